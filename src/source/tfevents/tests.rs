use super::{frames::masked_crc, *};
use crate::source::decode_for_tests as decode;
use proptest::prelude::*;

fn message(number: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    let mut length = body.len();
    while length >= 0x80 {
        out.push(length as u8 | 0x80);
        length >>= 7;
    }
    out.push(length as u8);
    out.extend_from_slice(body);
    out
}

/// An event at `step` with the given `Summary.Value`s, as a record.
fn event(step: u8, values: &[Vec<u8>]) -> Vec<u8> {
    let summary: Vec<u8> = values.iter().flat_map(|value| message(1, value)).collect();
    let time = (1.7e9 + f64::from(step)).to_le_bytes();
    record(&[&[0x09][..], &time, &[0x10, step], &message(5, &summary)].concat())
}

fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &masked_crc(&length).to_le_bytes(), data, &masked_crc(data).to_le_bytes()].concat()
}

fn simple(tag: &str, value: f32) -> Vec<u8> {
    [&message(1, tag.as_bytes())[..], &[0x15], &value.to_le_bytes()].concat()
}

fn tensor(tag: &str, plugin: Option<&str>, tensor: &[u8]) -> Vec<u8> {
    let metadata = plugin.map_or(vec![], |plugin| message(9, &message(1, &message(1, plugin.as_bytes()))));
    [message(1, tag.as_bytes()), message(8, tensor), metadata].concat()
}

const HALF: &[u8] = &[0x08, 1, 0x2d, 0, 0, 0, 0x3f];

fn records(bytes: &[u8]) -> Vec<Record> {
    let (mut decoder, mut out) = (TfEvents::new(), vec![]);
    decoder.push(bytes);
    while let Some(record) = decoder.next().unwrap() {
        out.push(record);
    }
    out
}

#[test]
fn an_event_is_a_row_with_step_time_and_all_its_values() {
    let bytes = event(7, &[simple("loss", 0.5), simple("lr", f32::NAN), simple("loss", 0.25)]);
    let (rows, losses) = decode(&mut TfEvents::new(), &bytes, 5);
    assert_eq!(losses, []);
    let (row, values) = &rows[0];
    assert_eq!((row.step, row.time, row.offset), (Some(Step(7)), WallTime::new(1.7e9 + 7.0), Some(0)));
    assert_eq!(format!("{values:?}"), r#"[("loss", 0.25), ("lr", NaN)]"#);
}

#[test]
fn a_session_that_starts_supersedes_what_stands_at_its_step_and_after() {
    let session = |step: u8, status: u8| record(&[&[0x10, step][..], &message(7, &[8, status])].concat());
    let bytes = [event(9, &[simple("loss", 0.5)]), session(3, 1), session(9, 2), event(3, &[simple("loss", 0.25)])].concat();
    let starts: Vec<_> = records(&bytes).into_iter().filter(|record| matches!(record, Record::Superseded(_))).collect();
    assert_eq!(starts, [Record::Superseded(Step(3))]);
}

#[test]
fn metadata_comes_once_and_holds_for_its_tag() {
    let bytes = [
        event(
            1,
            &[
                tensor("a", Some("scalars"), HALF),
                tensor("b", Some("text"), &[&[0x08, 7][..], &message(8, b"hi"), &message(8, b"you")].concat()),
            ],
        ),
        event(2, &[tensor("a", None, HALF), tensor("b", None, &[&[0x08, 7][..], &message(8, b"again")].concat())]),
        event(3, &[tensor("b", None, HALF), tensor("c", Some("custom_scalars"), HALF), tensor("d", None, HALF)]),
    ]
    .concat();
    let (rows, losses) = decode(&mut TfEvents::new(), &bytes, 11);
    assert_eq!(losses, []);
    let got: Vec<_> = rows.iter().map(|(row, values)| (row.step.map(|step| step.0), values.clone())).collect();
    let value = |name: &str| vec![(name.to_owned(), 0.5)];
    assert_eq!(got, [(Some(1), value("a")), (Some(2), value("a")), (Some(3), value("d"))]);
    let texts: Vec<_> = records(&bytes)
        .into_iter()
        .filter_map(|record| match record {
            Record::Media(media) => Some((media.key, media.kind, media.step, media.about)),
            _ => None,
        })
        .collect();
    let text = |step, about: &str| ("b".to_owned(), "text".to_owned(), Some(Step(step)), json!(about));
    assert_eq!(texts, [text(1, "hi\nyou"), text(2, "again"), ("b".into(), "text".into(), Some(Step(3)), json!(""))]);
}

#[test]
fn pictures_histograms_and_sounds_are_references() {
    let image = [message(1, b"img"), message(4, &[&[0x08, 4, 0x10, 6][..], &message(4, b"PNG")].concat())].concat();
    let min_and_count = [&[0x09][..], &(-1.5_f64).to_le_bytes(), &[0x19], &9_f64.to_le_bytes()].concat();
    let histogram = [message(1, b"w"), message(5, &min_and_count)].concat();
    let picture = tensor("p", Some("images"), &[&[0x08, 7][..], &message(8, b"32"), &message(8, b"16"), &message(8, b"PNG")].concat());
    let got: Vec<_> = records(&event(2, &[image, histogram, picture]))
        .into_iter()
        .map(|record| match record {
            Record::Media(media) => (media.key, media.kind, media.about.to_string()),
            other => panic!("{other:?}"),
        })
        .collect();
    let want = [
        ("img", "image", r#"{"offset":0,"height":4,"width":6}"#),
        ("w", "histogram", r#"{"offset":0,"min":-1.5,"count":9.0}"#),
        ("p", "image", r#"{"offset":0,"width":32,"height":16}"#),
    ];
    assert_eq!(got, want.map(|(key, kind, about)| (key.to_owned(), kind.to_owned(), about.to_owned())));
}

#[test]
fn a_record_that_is_no_event_is_a_loss_and_gives_nothing_else() {
    let text = tensor("b", Some("text"), &[&[0x08, 7][..], &message(8, b"hi")].concat());
    let broken = [&message(1, b"x")[..], &[0x15, 0]].concat();
    let bytes = [event(1, &[simple("a", 1.0)]), event(2, &[text, simple("a", 2.0), broken]), event(3, &[simple("a", 3.0)])].concat();
    let (rows, losses) = decode(&mut TfEvents::new(), &bytes, 9);
    assert_eq!(rows.iter().map(|(row, _)| row.step).collect::<Vec<_>>(), [Some(Step(1)), Some(Step(3))]);
    assert_eq!(losses.iter().map(|loss| loss.offset).collect::<Vec<_>>(), [event(1, &[simple("a", 1.0)]).len() as u64]);
}

#[test]
fn a_text_is_cut_and_an_endless_tag_is_a_loss() {
    let long = "é".repeat(TEXT_BYTES_MAX);
    let bytes = event(1, &[tensor("t", Some("text"), &message(8, long.as_bytes()))]);
    assert!(matches!(&records(&bytes)[..], [Record::Media(media)] if media.about.as_str().unwrap().len() == TEXT_BYTES_MAX));
    let (rows, losses) = decode(&mut TfEvents::new(), &event(1, &[simple(&long, 1.0)]), 64);
    assert_eq!((rows.len(), losses.len()), (0, 1));
}

type PlainRow = (Option<u64>, Vec<(String, f64)>);

/// The rows with their offsets and the names of their values; key ids depend on which tag came first.
fn plain(bytes: &[u8], chunk: usize) -> (Vec<PlainRow>, Vec<Loss>) {
    let (rows, losses) = decode(&mut TfEvents::new(), bytes, chunk);
    (rows.into_iter().map(|(row, values)| (row.offset, values)).collect(), losses)
}

/// Twenty events of one to three values, by kind of event.
fn file() -> Vec<u8> {
    (0..20)
        .flat_map(|step| match step % 3 {
            0 => event(step, &[simple("loss", f32::from(step)), simple("grad/norm", 0.5)]),
            1 => event(step, &[tensor("acc", Some("scalars"), HALF)]),
            _ => event(
                step,
                &[tensor("acc", None, HALF), simple("loss", f32::from(step)), tensor("notes", Some("text"), &message(8, b"hello"))],
            ),
        })
        .collect()
}

#[test]
fn one_flipped_bit_in_every_97th_byte_never_gives_a_wrong_value() {
    let whole = file();
    let (want, _) = plain(&whole, whole.len());
    for start in 0..97 {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes.iter_mut().skip(start).step_by(97).for_each(|byte| *byte ^= 1 << bit);
            let (rows, losses) = plain(&bytes, 64);
            assert!(rows.iter().all(|row| want.contains(row)));
            // Each flip costs at most the record that it stands in; damage at the very end is told by `finish`.
            assert!(!losses.is_empty() && rows.len() >= want.len() - whole.len().div_ceil(97));
        }
    }
}

#[test]
fn a_file_cut_anywhere_gives_the_whole_records_before_the_cut_and_no_loss() {
    let whole = file();
    let (want, _) = plain(&whole, whole.len());
    for end in 0..whole.len() {
        let (rows, losses) = plain(&whole[..end], 50);
        assert_eq!((&rows[..], losses.len()), (&want[..rows.len()], 0));
        let mut decoder = TfEvents::new();
        decoder.push(&whole[..end]);
        while let Ok(Some(_)) = decoder.next() {}
        decoder.finish();
        assert_eq!(decoder.next(), Ok(None));
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_split_give_the_same_records(bytes in proptest::collection::vec(any::<u8>(), 0..300), cut in 1..40_usize) {
        let bytes = [event(1, &[simple("a", 1.0)]), bytes, event(2, &[simple("a", 2.0)])].concat();
        let (a, b) = (decode(&mut TfEvents::new(), &bytes, cut), decode(&mut TfEvents::new(), &bytes, usize::MAX));
        prop_assert_eq!(a.0.len(), 2);
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    #[test]
    fn any_message_in_a_good_record_does_not_panic(data in proptest::collection::vec(any::<u8>(), 0..100), cut in 1..40_usize) {
        let value = [&message(1, b"a")[..], &data].concat();
        let bytes = [record(&data), event(1, std::slice::from_ref(&data)), event(2, &[value]), event(3, &[tensor("t", Some("images"), &data)])].concat();
        let (a, b) = (decode(&mut TfEvents::new(), &bytes, cut), decode(&mut TfEvents::new(), &bytes, usize::MAX));
        prop_assert_eq!(format!("{a:?}"), format!("{b:?}"));
    }

    #[test]
    fn any_damaged_byte_costs_at_most_its_record(at in 0..1000_usize, byte in any::<u8>(), cut in 1..80_usize) {
        let mut bytes = file();
        let (want, _) = plain(&bytes, usize::MAX);
        let at = at % bytes.len();
        bytes[at] = byte;
        let (rows, _) = plain(&bytes, cut);
        prop_assert!(rows.iter().all(|row| want.contains(row)) && rows.len() + 1 >= want.len());
    }
}
