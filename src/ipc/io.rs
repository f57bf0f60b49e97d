//! The socket: a server for the controller, a blocking client for commands and panes.

use super::{
    codec::{self, LINE_BYTES_MAX, Lines},
    wire::{Call, Reply, Request, Response},
};
use interprocess::local_socket::{
    GenericFilePath, ListenerOptions, Stream,
    prelude::*,
    tokio::{Stream as AsyncStream, prelude::*},
};
use interprocess::os::unix::local_socket::ListenerOptionsExt;
use std::{
    fs,
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
};

/// Longest reply taken by a client: a view state with a large screen is far below.
const REPLY_BYTES_MAX: usize = 64 << 20;
/// Messages that may wait for one peer. A peer that reads this little is stuck, and is hung up on.
const QUEUE_MAX: usize = 256;

/// Why a controller could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum IpcError {
    /// Nobody listens on the socket.
    #[error("no controller answers on {}", path.display())]
    Absent {
        /// The socket.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The folder for sockets is not ours alone.
    #[error("the socket folder {} is not safe: {why}", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The connection broke.
    #[error("the connection to the controller broke")]
    Broken(#[source] io::Error),
    /// The peer said something that is no message.
    #[error("the controller said something that is no message")]
    Garbled(#[source] serde_json::Error),
    /// No answer came in time.
    #[error("the controller did not answer within {} ms", .0.as_millis())]
    Silent(Duration),
}

impl IpcError {
    /// What to do.
    pub fn hint(&self) -> Option<String> {
        match self {
            IpcError::Absent { .. } => {
                Some("run `og canvas list` to see the canvases, `og canvas restart NAME` to start its controller anew".into())
            }
            IpcError::Folder { path, .. } => {
                Some(format!("make {} yours with mode 0700, or set XDG_RUNTIME_DIR to a folder of yours", path.display()))
            }
            IpcError::Broken(_) | IpcError::Silent(_) => {
                Some("run the command again; `og canvas restart` replaces a controller that hangs".into())
            }
            IpcError::Garbled(_) => Some("is another version of og running? `og canvas restart` replaces the controller".into()),
        }
    }
}

/// Where sockets can lie in a folder: a socket's path has 107 bytes at most, and our longest names have some twenty.
fn holds_sockets(dir: &Path) -> bool {
    const PATH_BYTES_MAX: usize = 107;
    const NAME_BYTES_MAX: usize = 24;
    dir.as_os_str().len() + "/og/".len() + NAME_BYTES_MAX <= PATH_BYTES_MAX
}

/// The folder of og's sockets, made with mode 0700 and checked to be ours: `$XDG_RUNTIME_DIR/og`, else `/tmp/og-<uid>`, also
/// where the path of the first is too long for a socket.
pub fn runtime_dir() -> Result<PathBuf, IpcError> {
    let uid = rustix::process::getuid().as_raw();
    let named = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let path = match named.filter(|dir| !dir.as_os_str().is_empty() && dir.is_dir() && holds_sockets(dir)) {
        Some(dir) => dir.join("og"),
        None => PathBuf::from(format!("/tmp/og-{uid}")),
    };
    let unsafe_because = |why: String| IpcError::Folder { path: path.clone(), why };
    match fs::DirBuilder::new().mode(0o700).create(&path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(unsafe_because(error.to_string())),
        _ => {}
    }
    let meta = fs::symlink_metadata(&path).map_err(|error| unsafe_because(error.to_string()))?;
    if !meta.is_dir() || meta.uid() != uid {
        return Err(unsafe_because("it is not a folder of this user".into()));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(|error| unsafe_because(error.to_string()))?;
    }
    Ok(path)
}

/// The socket of a canvas.
pub fn socket_path(canvas_id: &str) -> Result<PathBuf, IpcError> {
    Ok(runtime_dir()?.join(format!("{canvas_id}.sock")))
}

/// A blocking connection to a controller.
#[derive(Debug)]
pub struct Connection {
    path: PathBuf,
    stream: Stream,
    lines: Lines,
    last_id: u64,
    /// Whether the controller ever said anything: it greets before it listens.
    greeted: bool,
}

impl Connection {
    /// Connects; fails at once when nobody listens.
    pub fn open(path: &Path) -> Result<Connection, IpcError> {
        let absent = |source| IpcError::Absent { path: path.to_owned(), source };
        let name = path.to_fs_name::<GenericFilePath>().map_err(absent)?;
        let stream = Stream::connect(name).map_err(absent)?;
        Ok(Connection { path: path.to_owned(), stream, lines: Lines::default(), last_id: 0, greeted: false })
    }

    /// Sends a request and waits for its reply, at most `timeout`. Events in between are dropped.
    ///
    /// `Absent`: the controller ended before it heard the request, so another one may be asked.
    pub fn call(&mut self, request: Request, timeout: Duration) -> Result<Response, IpcError> {
        self.exchange(request, timeout).map_err(|error| match error {
            IpcError::Broken(source) if !self.greeted => IpcError::Absent { path: self.path.clone(), source },
            other => other,
        })
    }

    fn exchange(&mut self, request: Request, timeout: Duration) -> Result<Response, IpcError> {
        let id = self.send(request)?;
        self.stream.set_recv_timeout(Some(timeout)).map_err(IpcError::Broken)?;
        loop {
            let reply = self.receive().map_err(|error| match error {
                IpcError::Broken(source) if source.kind() == io::ErrorKind::WouldBlock => IpcError::Silent(timeout),
                other => other,
            })?;
            if reply.id == id {
                return Ok(reply.response);
            }
        }
    }

    /// Sends a request without waiting; returns its id.
    pub fn send(&mut self, request: Request) -> Result<u64, IpcError> {
        self.last_id += 1;
        let line = codec::encode(&Call { id: self.last_id, request });
        (&self.stream).write_all(&line).map_err(IpcError::Broken)?;
        Ok(self.last_id)
    }

    /// The next message from the controller, replies and events alike.
    pub fn receive(&mut self) -> Result<Reply, IpcError> {
        let mut chunk = [0u8; 64 << 10];
        loop {
            let line = self.lines.next(REPLY_BYTES_MAX).map_err(|error| IpcError::Broken(io::Error::other(error)))?;
            if let Some(line) = line {
                self.greeted = true;
                return codec::decode(&line).map_err(IpcError::Garbled);
            }
            match (&self.stream).read(&mut chunk) {
                Ok(0) => return Err(IpcError::Broken(io::ErrorKind::UnexpectedEof.into())),
                Ok(n) => self.lines.push(&chunk[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(IpcError::Broken(error)),
            }
        }
    }
}

/// Number of a connection to the server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerId(pub u64);

/// What the server hears.
#[derive(Debug)]
pub enum FromPeer {
    /// Somebody connected; lines for them go into the sender.
    Came(PeerId, mpsc::Sender<Vec<u8>>),
    /// They ask something.
    Asked(PeerId, Call),
    /// They said something that is no message: its id, where it has one, and why.
    Garbled(PeerId, u64, String),
    /// They are gone.
    Left(PeerId),
}

/// Listens on `path` (mode 0600) and hands over what peers say. The caller holds the lock of the canvas, so a file that
/// stands there is a dead controller's and is removed.
pub fn serve(path: &Path, heard: mpsc::Sender<FromPeer>) -> io::Result<()> {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let name = path.to_fs_name::<GenericFilePath>()?;
    let listener = ListenerOptions::new().name(name).mode(0o600).create_tokio()?;
    tokio::spawn(async move {
        for number in 1.. {
            match listener.accept().await {
                Ok(stream) => {
                    tokio::spawn(attend(PeerId(number), stream, heard.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    });
    Ok(())
}

async fn attend(peer: PeerId, stream: AsyncStream, heard: mpsc::Sender<FromPeer>) {
    let (tell, mut told) = mpsc::channel::<Vec<u8>>(QUEUE_MAX);
    if heard.send(FromPeer::Came(peer, tell)).await.is_err() {
        return;
    }
    let (mut from, mut to) = (&stream, &stream);
    // The greeting goes out before anything is heard: who was not greeted was not heard either, see [`Connection::call`].
    let greeted = match told.recv().await {
        Some(line) => to.write_all(&line).await.is_ok(),
        None => false,
    };
    if !greeted {
        let _ = heard.send(FromPeer::Left(peer)).await;
        return;
    }
    let speak = async {
        while let Some(line) = told.recv().await {
            if to.write_all(&line).await.is_err() {
                break;
            }
        }
    };
    let listen = async {
        let mut lines = Lines::default();
        let mut chunk = vec![0u8; 16 << 10];
        loop {
            let n = match from.read(&mut chunk).await {
                Ok(0) | Err(_) => return,
                Ok(n) => n,
            };
            lines.push(&chunk[..n]);
            loop {
                let said = match lines.next(LINE_BYTES_MAX) {
                    Ok(None) => break,
                    Ok(Some(line)) if line.iter().all(u8::is_ascii_whitespace) => continue,
                    Ok(Some(line)) => match codec::decode::<Call>(&line) {
                        Ok(call) => FromPeer::Asked(peer, call),
                        Err(error) => FromPeer::Garbled(peer, codec::id_of(&line), error.to_string()),
                    },
                    Err(_) => return,
                };
                if heard.send(said).await.is_err() {
                    return;
                }
            }
        }
    };
    tokio::select! { _ = speak => {}, _ = listen => {} }
    let _ = heard.send(FromPeer::Left(peer)).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_too_deep_for_sockets_is_none_for_ours() {
        assert!(holds_sockets(Path::new("/run/user/1000")));
        let longest = format!("/{}", "x".repeat(78));
        assert!(holds_sockets(Path::new(&longest)) && !holds_sockets(Path::new(&format!("{longest}x"))));
        let socket = Path::new(&longest).join("og/gate-4194304.sock");
        assert!(std::os::unix::net::SocketAddr::from_pathname(socket).is_ok());
    }
}
