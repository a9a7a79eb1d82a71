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

/// In the order of the rows.
pub(crate) fn crossed(rows: &[Row], folds: u32, settings: &Settings) -> Vec<Crossed> {
    let groups = if std::env::var("BYROW").is_ok() { (0..rows.len() as u32).collect() } else { groups(rows) };
    let fold = |i: usize| (groups[i].wrapping_mul(2_654_435_761) >> 8) % folds;
    let mut sums = vec![0; rows.len()];
    for held in 0..folds {
        let known = rows.iter().enumerate().filter(|(i, _)| fold(*i) != held).map(|(_, row)| row);
        let model = Classifier::new(train(known, settings));
        for (i, row) in rows.iter().enumerate().filter(|(i, _)| fold(*i) == held) {
            sums[i] = model.sum(row.text.as_bytes());
        }
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
pub(crate) fn table(model: &Model, crossed: &[Crossed]) -> String {
    let share = |is_attack: bool, least: i32| {
        let all = crossed.iter().filter(|c| c.is_attack == is_attack);
        let hit = all.clone().filter(|c| c.sum >= least).count();
        100.0 * hit as f64 / all.count().max(1) as f64
    };
    let line = |(sum, percent): &(i32, u8)| {
        format!("| {percent} | {sum} | {:.1} | {:.2} |\n", share(true, *sum), share(false, *sum))
    };
    for q in [200, 100, 50] {
        let mut sums: Vec<i32> =
            crossed.iter().filter(|c| !c.is_attack && !c.is_phrase).map(|c| c.sum).collect();
        sums.sort_unstable();
        let t = sums[sums.len() - 1 - sums.len() / q];
        let at = crossed.iter().filter(|c| c.is_attack && !c.is_phrase);
        println!(
            "recall at 1/{q}: {:.1} ({t})",
            100.0 * at.clone().filter(|c| c.sum > t).count() as f64 / at.count() as f64
        );
    }
    let lines: String = model.knots.iter().map(line).collect();
    format!(
        "| percent | sum | attacks at or above, % | benign at or above, % |\n| ---: | ---: | ---: | ---: |\n{lines}"
    )
}
