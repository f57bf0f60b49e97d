use super::*;
use crate::model::{MetricKey, RunState};
use crate::query::RunRead;
use proptest::prelude::*;
use serde_json::json;

const NOW: Now = Now { secs: 1_795_161_553.0, utc_offset: 3600.0 };

fn row() -> RunRow {
    RunRow {
        path: "runs/1".into(),
        id: "20261120-075913-calm-otter-3f2a".into(),
        name: "calm-otter".into(),
        project: Some("lm".into()),
        kind: "og",
        state: Some(RunState::Running),
        step: Some(1200),
        started: Some(NOW.secs - 3600.0),
        tags: [("dataset".to_owned(), "c4".to_owned()), ("night".to_owned(), String::new())].into(),
        config: [
            ("optim.lr".to_owned(), json!(3e-4)),
            ("optim.name".to_owned(), json!("AdamW")),
            ("seed".to_owned(), json!("7")),
            ("flag".to_owned(), json!(true)),
        ]
        .into(),
        last: [(MetricKey::from("train/loss"), 2.5), (MetricKey::from("val/loss"), f64::NAN)].into(),
        read: Some(RunRead { best: [(MetricKey::from("train/loss"), 1.5)].into(), ..RunRead::default() }),
        ..RunRow::default()
    }
}

#[track_caller]
fn holds(text: &str, want: bool) {
    let query = RunQuery::parse(text).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(query.fits(&row(), NOW), want, "{text}: {query:?}");
}

#[test]
fn a_run_is_read_only_for_what_a_glance_does_not_tell() {
    let seen = RunRow { read: None, own: true, config: [].into(), ..row() };
    let of_another = RunRow { own: false, ..seen.clone() };
    let settled = |text: &str, row: &RunRow| RunQuery::parse(text).unwrap().is_settled(row, NOW);
    for text in [
        "",
        "otter",
        "nosuch",
        "state:failed",
        "!state:failed",
        "has:notes",
        "tags:night",
        "tag:dataset=x",
        "step>1000",
        "since:2d",
        "train/loss<2",
        "duration>2h sort:started",
        "state:failed config.lr>1",
        "otter OR config.lr>1",
        "state:failed sort:best:loss",
    ] {
        assert!(settled(text, &seen), "{text}");
        // Its log may say more of it than its end does.
        let is_told = !["nosuch", "has:notes", "tag:dataset=x"].contains(&text);
        assert_eq!(settled(text, &of_another), is_told, "{text}");
    }
    for text in
        ["config.lr>1", "!config.lr>1", "best:loss<2", "loss<2", "sort:best:loss", "state:running config.lr>1", "nosuch OR has:config.lr"]
    {
        assert!(!settled(text, &seen) && settled(text, &row()), "{text}");
    }
}

#[track_caller]
fn wrong(text: &str, column: usize, problem: &str) {
    let error = RunQuery::parse(text).unwrap_err();
    assert!(error.column == column && error.problem.contains(problem), "{error}");
}

#[test]
fn runs_are_chosen_by_what_they_are() {
    for text in [
        "",
        "  ",
        "otter",
        "OTTER",
        "lm",
        "c4",
        "3f2a",
        "*otter",
        "c?lm-otter",
        "/^calm/",
        "/ot+er$/",
        "\"calm-\"",
        "state:running",
        "state:failed,running",
        "STATE:x OR state:running OR otter".trim_start_matches("STATE:x OR "),
        "project:lm",
        "project:l*",
        "name:otter",
        "config.lr>=3e-4",
        "config.lr <= 3e-4",
        "config.optim.lr=0.0003",
        "config.name=AdamW",
        "config.name~^adam",
        "config:optim.name:adam*",
        "config.seed=7",
        "config.flag=true",
        "config.name!=SGD",
        "config.name!=3",
        "train/loss<3",
        "train/loss>=2.5",
        "last.loss<3 OR otter",
        "best:loss<2",
        "best.train/loss<=1.5",
        "step>1000",
        "duration>30m",
        "duration<2h",
        "has:tags",
        "has:config.lr",
        "has:train/loss",
        "has:step",
        "tags:night",
        "tag:dataset=c4",
        "tags:data*",
        "since:2d",
        "since:1h30m",
        "before:30m",
        "since:2026-11-20",
        "started>=2026-11-20T07:30",
        "kind:og",
        "!foo",
        "! foo",
        "!!otter",
        "(otter)",
        "(foo OR otter) night",
        "foo bar OR otter night",
        "otter AND night",
        "!(foo OR bar)",
        "!has:notes",
        "by:config:lr",
        "sort:-best:loss otter",
        "val/loss!=3",
        "()",
        "otter OR",
    ] {
        holds(text, true);
    }
    for text in [
        "foo",
        "otter foo",
        "otte?",
        "/^otter/",
        "state:failed",
        "project:m",
        "config.lr>3e-4",
        "config.none=1",
        "config.none!=1",
        "train/loss<2",
        "val/loss<3",
        "val/loss>3",
        "best:loss<1",
        "step>=1201",
        "duration>2h",
        "has:notes",
        "has:config.x",
        "has:parent",
        "tags:nigh",
        "tag:dataset=c",
        "since:30m",
        "before:2d",
        "since:2026-11-21",
        "!otter",
        "!(foo OR otter)",
        "foo OR bar",
        "otter (foo OR bar)",
        "config.name=adamw",
        "\"*otter\"",
    ] {
        holds(text, false);
    }
}

#[test]
fn words_side_by_side_bind_stronger_than_or() {
    let query = RunQuery::parse("config.lr>=3e-4 has:notes tags:x state:running since:2d !foo a OR b").unwrap();
    let Some(RunFilter::Any(any)) = query.filter else { panic!("no alternatives") };
    assert!(matches!(&any[..], [RunFilter::All(all), RunFilter::Words(_)] if all.len() == 7));
}

#[test]
fn order_and_grouping_are_part_of_the_text() {
    let query = RunQuery::parse("otter by:tag:dataset sort:-val/loss").unwrap();
    assert_eq!(query.by, Some(Field::Tag("dataset".into())));
    assert_eq!(query.sort, Some(Sort { field: Field::Last("val/loss".into()), down: true }));
    assert!(matches!(query.filter, Some(RunFilter::Words(_))));
}

#[test]
fn what_cannot_be_read_is_told_at_its_place() {
    wrong("state:runing", 7, "running");
    wrong("otter stat:x", 7, "no field `stat` (did you mean `state`");
    wrong("config.lr>", 11, "a value must stand");
    wrong("step>=many", 7, "a number must stand here, not `many`");
    wrong("ä <3 =4", 6, "a field must stand before");
    wrong("since:soon", 7, "a span or a date");
    wrong("duration>3", 10, "a span of time");
    wrong("(a OR b", 1, "not closed");
    wrong("a)", 2, "closes nothing");
    wrong("\"abc", 1, "quote is not closed");
    wrong("name~(", 6, "regular expression");
    wrong("/[/", 2, "regular expression");
    wrong("OR a", 1, "before OR");
    wrong("a !", 3, "behind `!`");
    wrong("tag:", 5, "name of a tag");
    wrong("has:", 5, "something must stand behind `has:`");
    wrong("name:", 6, "a value must stand behind `name:`");
    wrong(&"(".repeat(99), 33, "deep");
    wrong(&"a ".repeat(10_000), 1, "longer");
}

fn filters() -> impl Strategy<Value = RunFilter> {
    let text = || "[ -~äß]{1,8}";
    let glob = || "[a-z0-9]{1,3}[*?]?[a-z]{0,2}".prop_map(|text| Pattern::new(&text, How::Glob).unwrap());
    let field = prop_oneof![
        Just(Field::Name),
        Just(Field::Project),
        Just(Field::Step),
        "[a-z.]{1,5}".prop_map(Field::Config),
        "[a-z/]{1,5}".prop_map(|key| Field::parse(&key)),
        "[a-z/]{1,5}".prop_map(Field::Best),
    ];
    let op = || prop_oneof![Just(Op::Lt), Just(Op::Le), Just(Op::Gt), Just(Op::Ge), Just(Op::Eq), Just(Op::Ne)];
    let metric = "[a-z]{1,4}/[a-z]{1,4}".prop_map(Field::Last);
    let leaf = prop_oneof![
        text().prop_map(|text| RunFilter::Words(Pattern::new(&text, How::Part).unwrap())),
        "[a-z]{1,4}[*?]".prop_map(|text| RunFilter::Words(Pattern::new(&text, How::Glob).unwrap())),
        "[a-z.+]{1,5}".prop_filter_map("a regex", |text| Pattern::new(&text, How::Regex).ok()).prop_map(RunFilter::Words),
        field.prop_map(RunFilter::Has),
        (metric, op(), -1e6f64..1e6).prop_map(|(field, op, value)| RunFilter::Compare(field, op, Operand::Number(value))),
        ("[a-z.]{1,5}", any::<bool>(), text()).prop_map(|(name, eq, value)| {
            RunFilter::Compare(Field::Config(name), if eq { Op::Eq } else { Op::Ne }, Operand::Text(value))
        }),
        prop::collection::vec(glob(), 1..4).prop_map(|all| RunFilter::Fits(Field::Project, all)),
        (glob(), prop::option::of(glob())).prop_map(|(name, value)| RunFilter::Tag(name, value)),
        (0u32..1_000_000, any::<bool>()).prop_map(|(secs, before)| RunFilter::Since(Moment::Ago(f64::from(secs)), before)),
        (0u32..2_000_000_000, any::<bool>()).prop_map(|(secs, before)| RunFilter::Since(Moment::Clock(f64::from(secs)), before)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 2..4).prop_map(RunFilter::All),
            prop::collection::vec(inner.clone(), 2..4).prop_map(RunFilter::Any),
            inner.prop_map(|inner| RunFilter::Not(Box::new(inner))),
        ]
    })
}

/// Values of runs that the filters above often speak of.
fn rows() -> impl Strategy<Value = RunRow> {
    let text = || "[a-z]{1,3}";
    let config =
        prop::collection::btree_map("[a-z.]{1,2}", prop_oneof![any::<i8>().prop_map(|n| json!(n)), text().prop_map(|t| json!(t))], 0..4);
    (text(), prop::option::of(text()), config, prop::option::of(-100i64..100), prop::collection::btree_map(text(), text(), 0..3))
        .prop_map(|(name, project, config, step, tags)| RunRow { id: name.clone(), name, project, config, step, tags, ..RunRow::default() })
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "([ -~ä]|OR|state:|config\\.|>=|!|\\(|\\)|\"|/|~|tag:|since:|,){0,24}") {
        if let Err(error) = RunQuery::parse(&text) {
            prop_assert!(error.column >= 1 && error.column <= text.chars().count() + 1);
        }
    }

    #[test]
    fn any_text_in_quotes_is_that_text(text in "\\PC{1,20}") {
        let query = RunQuery::parse(&quoted(&text)).unwrap();
        let named = RunRow { name: format!("<{text}>"), ..RunRow::default() };
        prop_assert!(query.fits(&named, NOW));
    }

    #[test]
    fn what_a_filter_says_of_itself_reads_back_as_itself(filter in filters()) {
        let text = filter.to_string();
        let query = RunQuery::parse(&text).map_err(|error| TestCaseError::fail(error.to_string()))?;
        prop_assert_eq!(query.filter, Some(filter), "{}", text);
    }

    #[test]
    fn not_all_and_any_are_what_logic_says(a in filters(), b in filters(), row in rows()) {
        let of = |filter: &RunFilter| filter.fits(&row, NOW);
        let not = |filter: &RunFilter| RunFilter::Not(Box::new(filter.clone()));
        prop_assert_eq!(of(&not(&a)), !of(&a));
        prop_assert_eq!(of(&RunFilter::All(vec![a.clone(), b.clone()])), of(&a) && of(&b));
        prop_assert_eq!(of(&RunFilter::Any(vec![a.clone(), b.clone()])), of(&a) || of(&b));
        let both = RunQuery::parse(&format!("{a} {b}")).unwrap();
        prop_assert_eq!(both.fits(&row, NOW), of(&a) && of(&b));
        let either = RunQuery::parse(&format!("{a} OR {b}")).unwrap();
        prop_assert_eq!(either.fits(&row, NOW), of(&a) || of(&b));
    }
}
