//! From sums to percent: by cross-validation, so that no row is scored by weights that have seen it or another of its group.

use katana::scanner::classifier::Classifier;
use katana::scanner::classifier::model::{KNOTS, Model};

use crate::learn::{Settings, train};
use crate::rows::{Row, groups};

/// Of a hundred texts so many are taken to be attacks.
const ATTACKS: f64 = 0.2;
/// Of the benign rows so many, the highest, are taken for attacks that nobody marked.
const DOUBTFUL: usize = 4000;
const PERCENTS: [u8; KNOTS] = [0, 5, 10, 20, 35, 50, 65, 80, 90, 95, 98, 99];

/// A row's sum by weights that do not know it.
pub(crate) struct Crossed {
    pub(crate) sum: i32,
    pub(crate) is_attack: bool,
    pub(crate) is_phrase: bool,
}

/// In the order of the rows. Rows that have wording in common are in one part, unless `by_row`.
pub(crate) fn crossed(rows: &[Row], folds: u32, by_row: bool, settings: &Settings) -> Vec<Crossed> {
    let groups = if by_row { (0..rows.len() as u32).collect() } else { groups(rows) };
    let fold = |i: usize| (groups[i].wrapping_mul(2_654_435_761) >> 8) % folds;
    let part = |held: u32| {
        let known = rows.iter().enumerate().filter(|(i, _)| fold(*i) != held).map(|(_, row)| row);
        let model = Classifier::new(train(known, settings));
        let held = rows.iter().enumerate().filter(|(i, _)| fold(*i) == held);
        held.map(|(i, row)| (i, model.sum(row.text.as_bytes()))).collect::<Vec<_>>()
    };
    let mut sums = vec![0; rows.len()];
    // two at a time: each holds all features of its rows
    for two in (0..folds).collect::<Vec<_>>().chunks(2) {
        let done: Vec<(usize, i32)> = std::thread::scope(|scope| {
            let workers: Vec<_> = two.iter().map(|held| scope.spawn(|| part(*held))).collect();
            workers.into_iter().flat_map(|w| w.join().unwrap_or_default()).collect()
        });
        done.into_iter().for_each(|(i, sum)| sums[i] = sum);
    }
    sums.into_iter()
        .zip(rows)
        .map(|(sum, row)| Crossed {
            sum,
            is_attack: row.is_attack,
            is_phrase: row.source.starts_with("phrases"),
        })
        .collect()
}

/// Sets the percentages: the chance of an attack given the sum, made to rise with it.
pub(crate) fn set(model: &mut Model, crossed: &[Crossed], extra: &[Row]) {
    let whole = Classifier::new(model.clone());
    let mut sums: Vec<(i32, bool)> = crossed.iter().map(|c| (c.sum, c.is_attack)).collect();
    sums.extend(extra.iter().map(|row| (whole.sum(row.text.as_bytes()), row.is_attack)));
    sums.sort_unstable();
    let mut doubtful = sums.iter().filter(|(_, a)| !*a).count() / DOUBTFUL;
    for at in (0..sums.len()).rev() {
        if doubtful > 0 && !sums[at].1 {
            sums.remove(at);
            doubtful -= 1;
        }
    }
    let attacks = sums.iter().filter(|(_, a)| *a).count() as f64;
    let weigh = |is_attack: bool| {
        if is_attack { ATTACKS / attacks } else { (1.0 - ATTACKS) / (sums.len() as f64 - attacks) }
    };
    // pools of sums in a row: neighbours are joined while they fall
    let mut pools: Vec<(i32, f64, f64)> = Vec::new();
    for (sum, is_attack) in &sums {
        let weight = weigh(*is_attack);
        pools.push((*sum, if *is_attack { weight } else { 0.0 }, weight));
        while let [.., a, b] = pools[..] {
            if a.0 != b.0 && a.1 * b.2 < b.1 * a.2 {
                break;
            }
            pools.truncate(pools.len() - 2);
            pools.push((a.0, a.1 + b.1, a.2 + b.2));
        }
    }
    let mut floor = -1;
    for (knot, percent) in model.knots.iter_mut().zip(PERCENTS) {
        let reached = pools.iter().find(|(_, hits, all)| hits / all * 100.0 >= f64::from(percent));
        let sum = reached.map_or(floor + 100, |pool| pool.0).max(floor + 1);
        *knot = (if percent == 0 { 0 } else { sum }, percent);
        floor = knot.0;
    }
}

/// What the percentages mean on the rows themselves.
pub(crate) fn table(model: &Model, crossed: &[Crossed], extra: &[Row]) -> String {
    let share = |is_attack: bool, least: i32| {
        let all = crossed.iter().filter(|c| c.is_attack == is_attack);
        let hit = all.clone().filter(|c| c.sum >= least).count();
        100.0 * hit as f64 / all.count().max(1) as f64
    };
    let line = |(sum, percent): &(i32, u8)| {
        format!("| {percent} | {sum} | {:.1} | {:.2} |\n", share(true, *sum), share(false, *sum))
    };
    let whole = Classifier::new(model.clone());
    let benign = crossed.iter().filter(|c| !c.is_attack && !c.is_phrase).map(|c| c.sum).collect();
    let extra = extra.iter().filter(|row| !row.is_attack).map(|row| whole.sum(row.text.as_bytes())).collect();
    let recalls =
        recall("cross-validation", benign, crossed) + &recall("the rows for percentages", extra, crossed);
    let lines: String = model.knots.iter().map(line).collect();
    format!(
        "| percent | sum | attacks at or above, % | benign at or above, % |\n| ---: | ---: | ---: | ---: |\n{lines}\n{recalls}"
    )
}

/// How many attacks are above the highest sums of these benign rows.
fn recall(name: &str, mut benign: Vec<i32>, crossed: &[Crossed]) -> String {
    benign.sort_unstable();
    let Some(last) = benign.len().checked_sub(1) else { return String::new() };
    let line = |thousandths: usize| {
        let least = benign[last - last * thousandths / 1000];
        let attacks = crossed.iter().filter(|c| c.is_attack && !c.is_phrase);
        let found = attacks.clone().filter(|c| c.sum > least).count() as f64 / attacks.count().max(1) as f64;
        format!("{thousandths} in 1000 false ({name}): {:.1} % found\n", 100.0 * found)
    };
    [5, 10, 20].map(line).concat()
}
