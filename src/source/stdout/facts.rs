//! What one line says: its counters and its named numbers.

use super::{
    token::{Token, cut},
    walk::Walk,
    words::{Counter, counter, is_of_validation, is_pass},
};
use crate::source::metrics::is_metric;

/// A count, and the `N` when it stands as `i/N`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Count {
    pub(super) at: i64,
    pub(super) of: Option<i64>,
}

/// Named numbers, their names in one buffer.
#[derive(Clone, Default, Debug, PartialEq)]
pub(super) struct Pairs {
    names: String,
    ends: Vec<End>,
}

/// Where a name ends, its number, and the token that it came from.
#[derive(Clone, Copy, Debug, PartialEq)]
struct End {
    name: usize,
    value: f64,
    token: u32,
}

impl Pairs {
    pub(super) fn clear(&mut self) {
        self.names.clear();
        self.ends.clear();
    }

    pub(super) fn push(&mut self, name: &[&str], value: f64) {
        self.push_from(name, value, 0);
    }

    /// The same, with the token that the value came from.
    pub(super) fn push_from(&mut self, name: &[&str], value: f64, token: u32) {
        name.iter().for_each(|part| self.names.push_str(part));
        self.ends.push(End { name: self.names.len(), value, token });
    }

    pub(super) fn pop(&mut self) {
        self.ends.pop();
        self.names.truncate(self.ends.last().map_or(0, |end| end.name));
    }

    fn remove(&mut self, at: usize) {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before].name);
        let length = self.ends.remove(at).name - start;
        self.names.replace_range(start..start + length, "");
        self.ends[at..].iter_mut().for_each(|end| end.name -= length);
    }

    /// Puts `prefix` in front of the names that do not say themselves what they are of.
    pub(super) fn set_prefix(&mut self, prefix: &str) {
        if prefix.is_empty() {
            return;
        }
        let bare = std::mem::take(self);
        for (name, end) in bare.walk() {
            let is_free = is_of_validation(name) || counter(name).is_some();
            let prefix = if is_free { "" } else { prefix };
            self.push_from(&[prefix, name], end.value, end.token);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether both have the same names in the same order.
    pub(super) fn has_names_of(&self, other: &Pairs) -> bool {
        self.names == other.names && self.ends.len() == other.ends.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, f64)> {
        self.walk().map(|(name, end)| (name, end.value))
    }

    /// The names, and the index of the token that their number came from.
    pub(super) fn iter_with_tokens(&self) -> impl Iterator<Item = (&str, u32)> {
        self.walk().map(|(name, end)| (name, end.token))
    }

    fn walk(&self) -> impl Iterator<Item = (&str, &End)> {
        self.ends.iter().scan(0, |start, end| {
            let name = &self.names[*start..end.name];
            *start = end.name;
            Some((name, end))
        })
    }
}

/// What one line says.
#[derive(Default, Debug)]
pub(super) struct Facts {
    pub(super) pairs: Pairs,
    /// The best counter that is not an epoch.
    pub(super) step: Option<(Counter, Count)>,
    pub(super) epoch: Option<Count>,
    /// An `i/N` that opens the line without a bracket: a progress bar.
    pub(super) progress: Option<Count>,
    pub(super) progress_token: u32,
    pub(super) rank: Option<u32>,
    /// Words that belong to no number.
    pub(super) junk: u32,
    /// Names with a word for a value: `task=detect`.
    pub(super) texts: u32,
    /// The line is about validation: the prefix of its names.
    pub(super) prefix: &'static str,
    /// Numbers without a name at the start: `[1][10/200]`, `[1, 2000]`, `0:`.
    pub(super) lead: Vec<(Count, u32)>,
    /// The first of these is a count only beside a metric: `12 | loss 0.5`.
    pub(super) is_lead_vague: bool,
    /// The tokens that `step` and `epoch` came from.
    pub(super) step_token: u32,
    pub(super) epoch_token: u32,
    /// Where the name of `step` stands, and whether a `:` or `=` parts it from its number.
    pub(super) step_name: Option<(u32, u32, bool)>,
    /// A pair that counts if nothing else does, such as `iters: 100`.
    pub(super) plural: Option<Plural>,
    /// The count of passes: over the data, if beside another count or a metric, and else of tests.
    pub(super) pass: Option<(Count, u32)>,
    /// What was understood hangs on more than the kinds of the numbers, so its shape must not be learned.
    pub(super) is_odd: bool,
    tokens: Vec<Token>,
    /// Index, start and end of the numbers and clocks among the tokens.
    numbers: Vec<(u32, u32, u32)>,
}

/// A pair that may count: its name is the plural of a counter, or its number is an `i/N` that opens the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Plural {
    /// Which of the pairs; `None`: it is none.
    pub(super) pair: Option<usize>,
    pub(super) count: Count,
    pub(super) token: u32,
    /// `steps` also count what an episode took; `iters`, `batches` and `updates` do not.
    pub(super) is_steps: bool,
}

impl Facts {
    /// Takes `text` apart. `prefix` and `rank` come from what was stripped off its front.
    pub(super) fn read(&mut self, text: &str, prefix: &'static str, rank: Option<u32>) {
        self.pairs.clear();
        self.lead.clear();
        (self.step, self.epoch, self.progress, self.rank, self.junk, self.prefix) = (None, None, None, rank, 0, prefix);
        (self.step_name, self.plural, self.pass, self.is_odd, self.texts) = (None, None, None, false, 0);
        self.is_lead_vague = false;
        let mut tokens = std::mem::take(&mut self.tokens);
        self.numbers.clear();
        let narrowed = narrow(text);
        let text = narrowed.as_deref().unwrap_or(text);
        cut(text, &mut tokens, &mut |token, start, end| self.numbers.push((token, start, end)));
        Walk::new(text, &tokens, self).walk();
        self.tokens = tokens;
        self.settle();
    }

    /// The tokens of the line.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Index, start and end of the numbers and clocks among the tokens.
    pub(super) fn numbers(&self) -> &[(u32, u32, u32)] {
        &self.numbers
    }

    /// Where the number of this token ends.
    pub(super) fn end_of_number(&self, token: u32) -> Option<u32> {
        self.numbers.iter().find(|(number, ..)| *number == token).map(|(_, _, end)| *end)
    }

    /// Whether the line is nothing but a counter: the head of a block.
    pub(super) fn is_header(&self) -> bool {
        self.pairs.len() == 0 && self.junk == 0 && (self.step.is_some() || self.epoch.is_some())
    }

    /// Gives the numbers at the start of the line their meaning.
    fn settle(&mut self) {
        let whole_run = self.step;
        let lead = std::mem::take(&mut self.lead);
        match (lead.as_slice(), whole_run) {
            ([], _) => {}
            _ if self.is_lead_vague && (self.epoch.is_some() || !self.pairs.iter().any(|(name, _)| is_metric(name))) => {}
            // `[epoch][i/N]` and `[epoch, i]`.
            ([epoch, (step, token)], None) => {
                // `(0/2) [1/10]`: of two ranks, or of two epochs.
                if !self.is_lead_vague || epoch.0.of.is_none() {
                    self.set_epoch(epoch.0, epoch.1);
                }
                self.set_step(Counter::Step, *step, *token);
            }
            ([(epoch, token)], Some((Counter::Batch | Counter::Step, Count { of: Some(_), .. }))) if epoch.of.is_none() => {
                self.set_epoch(*epoch, *token)
            }
            ([(step, token)], None) if self.pairs.len() > 0 => self.set_step(Counter::Step, *step, *token),
            // `3: step 10 loss 2.1`: the rank, as srun -l and mpirun write it.
            ([(rank, _)], Some(_)) if self.rank.is_none() && !self.is_lead_vague && rank.of.is_none() => {
                self.rank = rank.at.try_into().ok()
            }
            _ => {}
        }
        self.lead = lead;
        // `5/40 of epoch 1`
        if let (None, Some(_), Some(progress)) = (self.step, self.epoch, self.progress) {
            self.set_step(Counter::Step, progress, self.progress_token);
        }
        if let (None, Some(plural)) = (self.step, self.plural) {
            let others = || self.pairs.iter().enumerate().filter(|(at, _)| Some(*at) != plural.pair);
            // `iterations: 57, loss: 2.1`, but not `epochs: 10, lr: 0.1`; `epoch: 1, iters: 100`, but not `epoch 1, steps: 200`.
            let first = plural.pair == Some(0) && self.epoch.is_none() && others().any(|(_, (name, _))| is_metric(name));
            if first || self.epoch.is_some() && !plural.is_steps {
                plural.pair.into_iter().for_each(|pair| self.pairs.remove(pair));
                self.set_step(Counter::Step, plural.count, plural.token);
            }
        }
        if let Some((count, token)) = self.pass {
            self.settle_pass(count, token);
        }
    }

    fn settle_pass(&mut self, count: Count, token: u32) {
        let Some(at) = self.pairs.iter().position(|(name, _)| name.rsplit('/').next().is_some_and(is_pass)) else { return };
        let is_counted = self.step.is_some() || self.pairs.iter().any(|(name, _)| is_metric(name));
        match (self.epoch, is_counted) {
            (None, true) => {
                self.pairs.remove(at);
                self.set_epoch(count, token);
            }
            // `pass: 12, fail: 3`: so many tests.
            (None, false) => self.junk += 1,
            (Some(_), _) => {}
        }
    }

    /// The last pair was none, and counts nothing.
    pub(super) fn take_back(&mut self) {
        self.pairs.pop();
        self.plural = self.plural.filter(|plural| plural.pair.is_none_or(|pair| pair < self.pairs.len()));
    }

    /// The first epoch counts.
    pub(super) fn set_epoch(&mut self, count: Count, token: u32) {
        if self.epoch.is_none() {
            (self.epoch, self.epoch_token) = (Some(count), token);
        }
    }

    /// The best counter counts, among equals the first.
    pub(super) fn set_step(&mut self, kind: Counter, count: Count, token: u32) {
        if self.step.is_none_or(|(known, _)| kind > known) {
            (self.step, self.step_token) = (Some((kind, count)), token);
        }
    }
}

/// The text with the wide signs of Chinese and Japanese as those they stand for, and what counts in it as `ep 3` and `it 3`, each as
/// many bytes as before. `None`: it has none.
fn narrow(text: &str) -> Option<String> {
    const SIGNS: [(&str, &str); 5] = [("：", ":  "), ("，", ",  "), ("；", ";  "), ("（", "  ("), ("）", ")  ")];
    if text.is_ascii() {
        return None;
    }
    // The first byte of all of them.
    let narrowed =
        memchr::memchr(0xef, text.as_bytes()).map(|_| SIGNS.iter().fold(text.to_owned(), |text, (wide, sign)| text.replace(wide, sign)));
    ordinals(narrowed.as_deref().unwrap_or(text)).or(narrowed)
}

/// The text with `ep 3   ` for `第3轮`, and `it 3   ` for `第3步`.
fn ordinals(text: &str) -> Option<String> {
    const COUNTERS: [(&[char], &str); 2] = [(&['轮', '輪'], "ep "), (&['步', '次', '批', '代', '回'], "it ")];
    let mut out = None;
    for (from, ordinal) in text.match_indices('第') {
        let number = text[from + ordinal.len()..].trim_start_matches(' ');
        let behind = number.trim_start_matches(|c: char| c.is_ascii_digit() || c == '/').trim_start_matches(' ');
        let counted = COUNTERS.iter().find(|(signs, _)| behind.starts_with(*signs));
        let is_time = behind.strip_prefix(['次', '回']).is_some_and(is_event);
        if let Some((_, name)) = counted.filter(|_| !is_time && number.starts_with(|c: char| c.is_ascii_digit())) {
            let (at, out) = (text.len() - behind.len(), out.get_or_insert_with(|| text.to_owned()));
            let unit = if behind.starts_with("回合") { "回合" } else { ordinal };
            out.replace_range(at..at + unit.len(), &"      "[..unit.len()]);
            out.replace_range(from..from + ordinal.len(), name);
        }
    }
    out
}

/// Whether `noun`, behind `第3次`, is what only happens: `第3次尝试` is an attempt.
fn is_event(noun: &str) -> bool {
    const EVENTS: &[&str] = &[
        "尝试",
        "嘗試",
        "试",
        "試",
        "重试",
        "重試",
        "重连",
        "重連",
        "重启",
        "重啟",
        "失败",
        "失敗",
        "错误",
        "錯誤",
        "保存",
        "リトライ",
        "エラー",
    ];
    let noun = noun.trim_start();
    EVENTS.iter().any(|event| noun.starts_with(event))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Counters, then pairs, then how many words were left over.
    fn show(text: &str) -> String {
        let mut facts = Facts::default();
        facts.read(text, "", None);
        let count = |name: &str, count: Option<Count>| {
            count.map(|c| format!("<{name} {}{}>", c.at, c.of.map_or(String::new(), |of| format!("/{of}"))))
        };
        let mut out: Vec<String> = [count("epoch", facts.epoch), count("step", facts.step.map(|s| s.1)), count("progress", facts.progress)]
            .into_iter()
            .flatten()
            .collect();
        out.extend(facts.pairs.iter().map(|(name, value)| format!("{name}={value}")));
        out.extend((facts.junk > 0).then(|| "(words)".to_owned()));
        out.join(", ")
    }

    #[test]
    fn the_common_ways_to_print_a_row_are_understood() {
        for (line, want) in [
            ("step 250: train loss 2.1, val loss 2.2", "<step 250>, train loss=2.1, val loss=2.2"),
            ("iter 10: loss 2.3, time 12.1ms, mfu 3.2%", "<step 10>, loss=2.3, time=12.1, mfu=3.2"),
            ("step:1/5100 train_loss:16.5 step_avg:nanms", "<step 1/5100>, train_loss=16.5, step_avg=NaN"),
            ("Epoch [1/10], Step [100/600], Loss: 0.5", "<epoch 1/10>, <step 100/600>, Loss=0.5"),
            ("Train Epoch: 1 [640/60000 (1%)]\tLoss: 2.1", "<epoch 1>, <step 640/60000>, Loss=2.1"),
            ("step 1 loss=2.2, metrics:mcc:0.5, loss:ctc:0.25", "<step 1>, loss=2.2, mcc=0.5, loss:ctc=0.25"),
            ("step 1 loss=2.2, test:acc:0.5", "<step 1>, loss=2.2, test/acc=0.5"),
            ("step 1 loss=2.2 (train.py:main:25)", "<step 1>, loss=2.2, (words)"),
            ("Accuracy at epoch 3 of the network on the 5000 test images: 2.5%", "<epoch 3>, (words)"),
            ("Step 3 TRAINING (phase 1). loss: 2.5", "<step 3>, loss=2.5"),
            ("Epoch: 1/20 | Train. Acc.: 95.5% | Loss: 0.5", "<epoch 1/20>, Train. Acc=95.5, Loss=0.5"),
            ("[1,  2000] loss: 2.2", "<epoch 1>, <step 2000>, loss=2.2"),
            ("last score (higher is better) : 2.5, acc (higher is better) : 0.5", "last score=2.5, acc=0.5"),
            ("Epoch 1/2 with loss 0.5", "<epoch 1/2>, loss=0.5"),
            ("Model saved at epoch 1 with loss 0.5", "<epoch 1>"),
            ("Epoch: [0][  10/5005]\tTime  0.5 ( 0.8)\tAcc@1   7.50 (  0.1)", "<epoch 0>, <step 10/5005>, Time=0.5, Acc@1=7.5"),
            ("Epoch(train)  [2][ 10/196]  lr: 3e-4  eta: 0:13:14  loss: 6.1", "<epoch 2>, <step 10/196>, lr=0.0003, loss=6.1"),
            ("[7]\ttrain-auc:0.95\tvalid_1's auc: 0.9", "<step 7>, train-auc=0.95, valid_1's auc=0.9"),
            ("3:\tlearn: 0.65\ttest: 0.66\tbest: 0.66 (3)\ttotal: 10ms\tremaining: 1s", "<step 3>, learn=0.65, test=0.66, total=10"),
            ("| epoch 001:     50 / 1000 loss=10.1, ppl=1000", "<epoch 1>, <step 50/1000>, loss=10.1, ppl=1000"),
            ("Iteration 1, loss = 0.5", "<step 1>, loss=0.5"),
            ("Test set: Average loss: 0.05, Accuracy: 98", "test/Average loss=0.05, test/Accuracy=98"),
            ("[0/25][50/1583]\tLoss_D: 0.5\tD(G(z)): 0.58 / 0.06", "<epoch 0/25>, <step 50/1583>, Loss_D=0.5, D(G(z))=0.58"),
            ("Train: [0/300][10/1251]\teta 0:30:00 lr 0.1\tloss 6.9 (6.9)", "<epoch 0/300>, <step 10/1251>, lr=0.1, loss=6.9"),
            ("Test:  [ 0/50]  loss: 1.5 (1.5)", "<step 0/50>, test/loss=1.5"),
            ("(epoch: 1, iters: 100, time: 0.5) D_A: 0.25", "<epoch 1>, <step 100>, time=0.5, D_A=0.25"),
            ("iterations:57, train acc:0.5", "<step 57>, train acc=0.5"),
            ("epoch=0/micro_step=10/global_step=10, MemAllocated=4.5GB", "<epoch 0>, <step 10>, micro_step=10, MemAllocated=4.5"),
            ("step=10, skipped=0, lr=[9.5e-06, 0.0], mom=[(0.9, 0.95)]", "<step 10>, skipped=0, lr=0.0000095, (words)"),
            ("| train | E: 5 | S: 1000 | R: 32.5", "<epoch 5>, <step 1000>, R=32.5"),
            ("Ep. 1 : Up. 84000 : Sen. 5,797 : Cost 2.5 : Time 5s", "<epoch 1>, <step 84000>, Sen=5797, Cost=2.5, Time=5"),
            ("Epoch #1: test_reward: 20.5 ± 0.5, len: 3", "<epoch 1>, test_reward=20.5, len=3"),
            (" 1: 2233.5, 2233.25 avg loss, 0.001 rate, 5.5 seconds, 64 images", "<step 1>, avg loss=2233.25, rate=0.001"),
            (
                "Epoch 1, batch 5, loss[loss=0.5, ctc=1.5, over 5.5 frames.], all[loss=0.75], lr: 3e-3",
                "<epoch 1>, <step 5>, loss=0.5, ctc=1.5, all/loss=0.75, lr=0.003, (words)",
            ),
            ("Time 08h 36m 42s, Avg Reward 0.064, Avg Ep length 5.26", "Avg Reward=0.064, Avg Ep length=5.26"),
            ("Ball. Step: 1200. Time: 20.5 s. Mean Reward: 1.25. Training.", "<step 1200>, Time=20.5, Mean Reward=1.25"),
            ("1epoch:train:1-682batch: acc=0.5", "<epoch 1>, <step 682>, acc=0.5"),
            ("validation step=5 reward_mean=0.5", "<step 5>, val/reward_mean=0.5"),
            ("v_num=3, train_loss=10.5, global_step=48.00", "<step 48>, train_loss=10.5"),
            ("0/42 of epoch 1/30 class : 2.5 - acc class : 7.5", "<epoch 1/30>, <step 0/42>, <progress 0/42>, class=2.5, acc class=7.5"),
            ("Process 100/3161(3.16%) objf: -0.5 over 6400 frames, epoch 0", "<epoch 0>, <step 100/3161>, objf=-0.5, (words)"),
            ("Train loss 12 35.25 Grad Norm 25.5 3.5s/it", "<step 12>, Train loss=35.25, Grad Norm=25.5"),
            ("Validation loss 12: 37.5", "<step 12>, Validation loss=37.5"),
            ("1/16, train_loss: 0.25 step time: 0.5", "<progress 1/16>, train_loss=0.25, step time=0.5"),
            ("Loss: 13.5  Iterations:   99/1533  ValLoss:12.5", "<step 99/1533>, Loss=13.5, ValLoss=12.5"),
            ("epoch: 4/120, acc_iter=1085, cur_iter=0/271, loss=4.5", "<epoch 4/120>, <step 0/271>, acc_iter=1085, loss=4.5"),
            ("Train:    1/3 ( 33%) [  49/323 ( 15%)]  Loss: 36.5 (81.5)", "<epoch 1/3>, <step 49/323>, Loss=36.5"),
            ("| epoch 010  2000 / 8223 loss=1.5 (1.25), clip=100%", "<epoch 10>, <step 2000/8223>, loss=1.5, clip=100"),
            ("Accuracy: 95/100, correct 9/10", "Accuracy=95, correct=9"),
            ("epoch/epochs:6/10,loss_c:5.5", "<epoch 6/10>, loss_c=5.5"),
            (
                "fps step: 112345 fps step and policy inference: 98000 fps total: 75432 epoch: 1/500",
                "<epoch 1/500>, fps step=112345, fps step and policy inference=98000, fps total=75432",
            ),
            ("step 3 fps total: 60 fps, loss: 0.5", "<step 3>, fps total=60, loss=0.5"),
            ("step 3 fps avg: 60 fps acc 0.5 loss 0.3", "<step 3>, fps avg=60, acc=0.5, loss=0.3"),
            ("fps: 60 fps data loading time: 0.5", "fps=60, data loading time=0.5"),
            ("loss 1: 0.5, loss 2: 0.25", "loss 1=0.5, loss 2=0.25"),
            ("DEV : loss 0.5 - f1-score (micro avg)  1.0", "dev/loss=0.5, dev/f1-score=1"),
            ("step 5 metrics/eval/acc: 0.5 val: 0.25", "<step 5>, metrics/eval/acc=0.5, val=0.25"),
            ("24/24 - 0s - 3ms/step - accuracy: 0.5 - loss: 0.7", "<progress 24/24>, accuracy=0.5, loss=0.7"),
            ("Pass 3, Batch 100, Cost 2.5", "<epoch 3>, <step 100>, Cost=2.5"),
            ("pass: 3 loss: 2.5", "<epoch 3>, loss=2.5"),
            ("pass: 12, fail: 3", "pass=12, fail=3, (words)"),
            ("It. 5, Ep. 2, cost 2.5", "<epoch 2>, <step 5>, cost=2.5"),
            ("3/10epoch:train:5/20batch: loss=0.5", "<epoch 3/10>, <step 5/20>, loss=0.5"),
            ("step:31K smpl:2.5k loss:0.5 mem:12M", "<step 31000>, smpl=2500, loss=0.5, mem=12"),
            ("Minibatch: 20, Train Loss: 5.5", "<step 20>, Train Loss=5.5"),
            ("1 93.5 s run, 11.5 loss, 0.25 LR, 642.5 GB used", "<step 1>, loss=11.5, LR=0.25, (words)"),
            ("Training Device=xla:0/3 Step=280 Loss=0.5", "<step 280>, Loss=0.5"),
            ("###training:Epoch 1/10, Loss: 0.5", "<epoch 1/10>, Loss=0.5"),
            ("Episode 5 (22 sec) -- \tMin: 36.5\tMean: 38.5\tMov. Avg: 27.5", "<step 5>, Min=36.5, Mean=38.5, Mov. Avg=27.5"),
            ("step 5 loss: 2.5 (avg: 2.25, max: 3.5)", "<step 5>, loss=2.5"),
            ("step 5 loss: 2.5 took: 25 minutes 3 seconds", "<step 5>, loss=2.5"),
            ("Epoch 1 完成：avg_loss=0.5，损失：0.25（秒）", "<epoch 1>, avg_loss=0.5, 损失=0.25, (words)"),
            ("Epoch 1 loss tensor(0.5, grad_fn=<NllLossBackward0>)", "<epoch 1>, loss=0.5"),
            ("Epoch 1 weights tensor(0.5, requires_grad=True)", "<epoch 1>, (words)"),
            ("epoch 3: loss -> 0.5, acc => 0.25", "<epoch 3>, loss=0.5, acc=0.25"),
            ("Epoch: 1/3... Step: 40... Loss: 0.5... Val Loss: 0.25", "<epoch 1/3>, <step 40>, Loss=0.5, Val Loss=0.25"),
            ("Run: 01, Fold: 2, Epoch: 03, Loss: 0.5", "<epoch 3>, Loss=0.5"),
            ("Epoch number: 3, loss: 0.5", "<epoch 3>, loss=0.5"),
            ("(100/500) loss: 0.5", "<step 100/500>, loss=0.5"),
            ("(1/2) Epoch 3, loss: 0.5", "<epoch 3>, loss=0.5"),
            ("(1/2) files: 5", "files=5"),
            ("(0/2) [1/10] loss 0.5", "<step 1/10>, loss=0.5"),
            ("[0/2] [1/10] loss 0.5", "<epoch 0/2>, <step 1/10>, loss=0.5"),
            ("第3轮 loss: 0.5", "<epoch 3>, loss=0.5"),
            ("第 3/10 轮，训练 loss：0.5", "<epoch 3/10>, 训练 loss=0.5"),
            ("[第3轮] 第20步 loss: 0.5", "<epoch 3>, <step 20>, loss=0.5"),
            ("第 4 次 尝试: 失败 3", "失败=3, (words)"),
            ("第 1 回合，总奖励: 2.5，损失: 0.5", "<step 1>, 总奖励=2.5, 损失=0.5"),
            ("第1次 平均loss: 0.5", "<step 1>, 平均loss=0.5"),
            ("第1回学習 loss: 0.5", "<step 1>, 学習 loss=0.5"),
            ("第4次：损失 0.5", "<step 4>, 损失=0.5"),
            ("第4次迭代 loss: 0.5", "<step 4>, 迭代 loss=0.5"),
            ("第3折 loss: 0.5 第 2 组 acc: 0.25", "loss=0.5, 组 acc=0.25, (words)"),
            ("val: step 5, loss 2.5", "<step 5>, val/loss=2.5"),
            ("epoch 1 of 3, step 5 of 100: loss 2.5", "<epoch 1/3>, <step 5/100>, loss=2.5, (words)"),
            ("level=info msg=\"one step\" ts=1700000000.5 step=5 loss=2.5", "<step 5>, loss=2.5"),
            ("Evaluation at step 5: accuracy = 0.5, loss = 2.5", "<step 5>, eval/accuracy=0.5, eval/loss=2.5"),
            ("loss: 2.3  [   64/60000]", "<step 64/60000>, loss=2.3"),
            (
                "elapsed time per iteration (ms): 5837.9 | number of nan iterations:   0 |",
                "elapsed time per iteration=5837.9, number of nan iterations=0",
            ),
            (
                "Epoch 0, global step 1: 'val_loss' reached 0.33 (best 0.33), saving to 'a/epoch=0-step=1.ckpt' as top 1",
                "<epoch 0>, <step 1>, val_loss=0.33, (words)",
            ),
        ] {
            assert_eq!(show(line), want, "{line}");
        }
    }

    #[test]
    fn sentences_give_no_numbers() {
        for line in [
            "Using 8 dataloader workers",
            "Killing subprocess 5.x",
            "training on 1 devices (GPUs/TPUs)",
            "saved 3 files to a/b-12.pt",
            "Number of points [01/01 00:00:05]",
            "see https://a.b/c?d=1",
        ] {
            let said = show(line);
            assert!(said == "(words)" || said.is_empty(), "{line}: {said}");
        }
    }
}
