//! temporary
use sim_tests::sim::plan::{Plan, Weather};
use sim_tests::sim::{run, shrink};
use std::sync::Arc;
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let weather = match args[2].as_str() {
        "calm" => Weather::Calm,
        "harsh" => Weather::Harsh,
        _ => Weather::Rough,
    };
    let content = Arc::new(shared::content::Content::builtin());
    let n = |i: usize| args[i].parse::<u64>().unwrap();
    match args[1].as_str() {
        "run" => {
            let mut sum = std::collections::BTreeMap::<String, u64>::new();
            let begun = std::time::Instant::now();
            let (mut sim, mut ev, mut bad) = (0, 0, 0);
            for seed in n(3)..n(4) {
                let plan = Plan::of_seed(seed, weather);
                let b = std::time::Instant::now();
                let o = run(&plan, &content, false);
                sim += o.simulated_us;
                ev += o.events;
                for (k, v) in &o.counts {
                    *sum.entry(k.clone()).or_default() += v;
                }
                let t = b.elapsed().as_millis();
                if t > 3000 {
                    println!("seed {seed} took {t} ms, {} events", o.events);
                }
                if let Some(b) = &o.broken {
                    bad += 1;
                    println!("seed {seed}: at {:.3}s {b}", o.simulated_us as f64 / 1e6);
                }
            }
            let s = begun.elapsed().as_secs_f64();
            println!(
                "{bad} bad, {s:.1}s wall, {:.0} sim s/s, {:.0} events/s",
                sim as f64 / 1e6 / s,
                ev as f64 / s
            );
            if args.len() > 5 {
                for (k, v) in sum {
                    println!("{v:>10} {k}");
                }
            }
        }
        "show" => {
            let o = run(&Plan::of_seed(n(3), weather), &content, true);
            let k = args.get(4).map_or(60, |k| k.parse().unwrap());
            for l in o.lines.iter().rev().take(k).rev() {
                println!("{l}");
            }
            println!("{:?}", o.broken);
        }
        "shrink" => {
            let s = shrink(&Plan::of_seed(n(3), weather), &content);
            let o = run(&s.plan, &content, true);
            let k = args.get(4).map_or(60, |k| k.parse().unwrap());
            for l in o.lines.iter().rev().take(k).rev() {
                println!("{l}");
            }
            println!("{:#?} {} runs\n{:?}", s.plan, s.runs, o.broken);
        }
        _ => {
            let plan = Plan::of_ten_nodes(1, n(3) * 1000);
            let b = std::time::Instant::now();
            let o = run(&plan, &content, false);
            println!(
                "{:?} {} events {:.0} sim s in {:?}",
                o.broken,
                o.events,
                o.simulated_us as f64 / 1e6,
                b.elapsed()
            );
            for (k, v) in o.counts {
                println!("{v:>10} {k}");
            }
        }
    }
}
