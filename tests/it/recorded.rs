//! Runs that are recorded, and runs and tests that are given what was.

use pathway::prelude::*;
use pathway::store::Memory;
use pathway::testing::Harness;
use std::path::PathBuf;
use std::time::{Duration as StdDuration, Instant};

#[derive(Clone, Debug, PartialEq, Schema)]
struct Order {
    #[schema(key)]
    id: u32,
    shop: String,
    #[schema(event_time)]
    second: i64,
    cents: i64,
}

#[derive(Clone, Debug, PartialEq, Schema)]
struct Shop {
    #[schema(key)]
    shop: String,
    city: String,
}

const WAIT: StdDuration = StdDuration::from_secs(10);

fn order(id: u32, shop: &str, second: i64) -> Order {
    Order { id, shop: shop.to_owned(), second, cents: i64::from(id) * 10 }
}

fn shop(shop: &str, city: &str) -> Shop {
    Shop { shop: shop.to_owned(), city: city.to_owned() }
}

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("pathway-recorded-{}-{name}", std::process::id()));
        drop(std::fs::remove_dir_all(&folder));
        std::fs::create_dir_all(&folder).expect("a folder for temporary files is there");
        Self(folder)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).expect("the output is there")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of a folder does no harm.
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A join, windows with late rows, a loop, and what the clock says, in files with their epochs.
fn program(orders: &Stream<Order>, shops: &Table<Shop>, folder: &Folder, run: &str) {
    let path = |name: &str| folder.0.join(format!("{run}-{name}.jsonl"));
    let by_city = orders
        .join(shops)
        .on(Order.shop, Shop.shop)
        .select(|order, shop| (shop.city.clone(), order.cents))
        .group_by(|(city, _)| city.clone())
        .reduce(|g| g.sum(|(_, cents)| *cents))
        .select(|city, cents| (city, cents));
    by_city.write(jsonl::file(path("cities")).changes());
    let (in_time, late) = orders.watermark(10).or_late();
    late.write(jsonl::file(path("late")).changes());
    in_time
        .window(tumbling(60))
        .when_final()
        .reduce(|g| g.count())
        .select(|window, orders| (window.start, orders))
        .write(jsonl::file(path("minutes")).changes());
    orders.stamped(|order, at| (order.id, at)).write(jsonl::file(path("stamps")).changes());
    let halves = orders
        .map(|order| order.id)
        .distinct()
        .iterate(|ids| ids.concat(&ids.filter(|id| *id > 1).map(|id| id / 2)).distinct());
    halves.write(jsonl::file(path("halves")).changes());
}

const OUTPUTS: [&str; 5] = ["cities", "late", "minutes", "stamps", "halves"];

/// Runs the program over what is pushed, epoch by epoch.
fn record(
    store: &Memory,
    folder: &Folder,
    threads: usize,
) -> Result<(), Box<dyn std::error::Error>> {
    let app = Pipeline::new("live").threads(threads).progress(false).record(store.clone());
    let (input, orders) = app.input::<Order>();
    let (table, shops) = app.input_table::<Shop>();
    let (orders, shops) = (orders.named("orders"), shops.named("shops"));
    program(&orders, &shops, folder, "live");
    let (seen, known) = (orders.view(), shops.view());
    let running = app.start()?;
    table.insert(shop("a", "Bonn"))?;
    table.insert(shop("b", "Köln"))?;
    for epoch in 0..5u32 {
        let second = i64::from(epoch) * 40;
        let ids = epoch * 10..epoch * 10 + 4;
        let orders = ids.map(|id| order(id, if id % 2 == 0 { "a" } else { "b" }, second));
        input.push_all(orders)?;
        input.push(order(100 + epoch, "a", second - 70))?;
        seen.wait_for(|rows| rows.len() == (epoch as usize + 1) * 5, WAIT);
        table.replace(shop("a", &format!("city {epoch}")))?;
    }
    table.remove(&shop("b", "Köln"))?;
    known.wait_for(|rows| rows.len() == 1, WAIT);
    running.stop();
    running.wait()?;
    Ok(())
}

#[test]
fn a_replay_gives_what_the_recorded_run_gave_epoch_by_epoch() {
    for recorded_on in [1, 2] {
        let (store, folder) = (store::memory(), Folder::new(&format!("same-{recorded_on}")));
        record(&store, &folder, recorded_on).unwrap();
        for threads in 1..=3 {
            let app = Pipeline::new("again").threads(threads).progress(false);
            let app = app.replay(store.clone());
            let (_input, orders) = app.input::<Order>();
            let (_table, shops) = app.input_table::<Shop>();
            program(&orders.named("orders"), &shops.named("shops"), &folder, "again");
            app.run().unwrap();
            for output in OUTPUTS {
                let live = folder.read(&format!("live-{output}.jsonl"));
                let again = folder.read(&format!("again-{output}.jsonl"));
                assert!(live.lines().count() > 2, "{output}: {live}");
                assert_eq!(live, again, "{output}, {recorded_on} and {threads} threads");
            }
        }
    }
}

#[test]
fn another_program_is_given_the_sources_that_it_has() {
    let (store, folder) = (store::memory(), Folder::new("another"));
    record(&store, &folder, 2).unwrap();
    let app = Pipeline::new("another").replay(store.clone());
    let (input, shops) = app.input_table::<Shop>();
    let cities = shops.named("shops").select(|shop| shop.city.clone());
    assert_eq!(cities.collect().unwrap(), ["city 4"]);
    assert!(input.insert(shop("c", "Ulm")).is_err(), "nothing is read from the sources");

    let mut t = Harness::with_threads(2).replay(store);
    let orders = t.stream::<Order>();
    let count = t.capture(orders.rows().named("orders").reduce(|g| g.count()));
    t.step();
    count.assert_rows([25]);
}

#[test]
fn files_are_recorded_with_their_bad_rows() {
    let (store, folder) = (store::memory(), Folder::new("files"));
    let file = folder.0.join("shops.csv");
    std::fs::write(&file, "shop,city\na,Bonn\nb\nc,Ulm\n").unwrap();
    let build = |app: &Pipeline| {
        let files = csv::files::<Shop>(&file).or_errors();
        let (shops, errors) = app.read(files);
        (shops.select(|shop| shop.city.clone()).view(), errors.view())
    };
    let app = Pipeline::new("files").progress(false).record(store.clone());
    let live = build(&app);
    app.run().unwrap();
    std::fs::remove_file(&file).unwrap();
    let app = Pipeline::new("files").progress(false).replay(store);
    let again = build(&app);
    app.run().unwrap();
    assert_eq!(again.0.rows(), ["Bonn", "Ulm"]);
    assert_eq!((live.0.rows(), live.1.rows().len()), (again.0.rows(), again.1.rows().len()));
    assert_eq!(again.1.rows().len(), 1);
}

#[test]
fn a_recording_that_was_cut_off_is_replayed_up_to_there() {
    for writes in 6..40 {
        let store = store::memory();
        store.fail_after(writes);
        let app = Pipeline::new("cut off").progress(false).record(store.clone());
        let (input, rows) = app.input::<u32>();
        let view = rows.named("numbers").view();
        let Ok(running) = app.start() else { continue };
        for n in 0..20 {
            if input.push(n).is_err() {
                break;
            }
            view.wait_for(|rows| rows.len() > n as usize, StdDuration::from_millis(50));
        }
        running.stop();
        let failed = running.wait().is_err();
        store.mend(0);
        let app = Pipeline::new("again").replay(store);
        let (_input, rows) = app.input::<u32>();
        let rows = rows.named("numbers").collect().unwrap();
        let expected: Vec<u32> = (0..).take(rows.len()).collect();
        assert_eq!(rows, expected);
        assert!(failed || rows.len() == 20, "{writes}: {}", rows.len());
    }
}

#[test]
fn a_replay_keeps_its_pace_or_another() {
    let store = store::memory();
    let app = Pipeline::new("slow").progress(false).record(store.clone());
    let (input, rows) = app.input::<u32>();
    let view = rows.named("numbers").view();
    let running = app.start().unwrap();
    for n in 0..3 {
        input.push(n).unwrap();
        view.wait_for(|rows| rows.len() > n as usize, WAIT);
        std::thread::sleep(StdDuration::from_millis(200));
    }
    running.stop();
    running.wait().unwrap();
    let replay = |speed: Option<f64>| {
        let app = Pipeline::new("again").progress(false).replay(store.clone());
        let app = match speed {
            Some(speed) => app.replay_speed(speed),
            None => app,
        };
        let (_input, rows) = app.input::<u32>();
        let view = rows.named("numbers").view();
        let started = Instant::now();
        let running = app.start().unwrap();
        view.wait_for(|rows| rows.len() == 3, WAIT);
        let took = started.elapsed();
        running.wait().unwrap();
        took
    };
    assert!(replay(Some(1.0)) >= StdDuration::from_millis(390));
    let faster = replay(Some(2.0));
    assert!(faster >= StdDuration::from_millis(190), "{faster:?}");
    let full = replay(None);
    assert!(full < StdDuration::from_millis(190), "{full:?}");
}

#[test]
fn what_cannot_be_recorded_or_replayed_is_refused() {
    let recorded = store::memory();
    let app = Pipeline::new("some").record(recorded.clone());
    app.rows(vec![1u32]).named("numbers").collect().unwrap();
    let refused =
        |app: Pipeline| app.rows(vec![1u32]).named("numbers").collect().unwrap_err().to_string();

    let error = refused(Pipeline::new("twice").record(recorded.clone()));
    assert!(error.contains("something is there already"), "{error}");
    let error = refused(Pipeline::new("empty").replay(store::memory()));
    assert!(error.contains("nothing is there"), "{error}");
    let app = Pipeline::new("other").replay(recorded.clone());
    let error = app.rows(vec![1i64]).named("numbers").collect().unwrap_err().to_string();
    assert!(error.contains("no source") && error.contains("- `numbers`"), "{error}");
    let error = refused(Pipeline::new("both").durable(store::memory()).record(store::memory()));
    assert!(error.contains("durable, record") && error.contains("given once"), "{error}");
    for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let app = Pipeline::new("speed").replay(recorded.clone()).replay_speed(speed);
        let error = refused(app);
        assert!(error.contains("replay_speed"), "{error}");
    }
}
