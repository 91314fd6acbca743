//! A frame of a recorded battle: what stands where after a tick, drawn with characters for a
//! terminal or as SVG.

use std::fmt::Write as _;

use battleapp::core::setup::{ModeRules, Setup};
use shared::content::{Block, Terrain};
use shared::msg::snapshot::{
    AreaView, FighterView, MonsterView, PetView, PointView, ProjectileView, Snapshot,
};

/// Characters of a drawing's longer side on a terminal.
const COLUMNS: i32 = 76;
/// A character is about twice as high as it is wide.
const ASPECT: i32 = 2;
/// Pixels of an SVG's longer side.
const PIXELS: i32 = 960;
/// Pixels above the map, for the title.
const TITLE_PIXELS: i32 = 40;
/// The colour of what stands in the way.
const BLOCKED: &str = "#b9b2a3";
/// Colours of the sides.
const COLOURS: [&str; 2] = ["#2f6fd6", "#d6532f"];

/// How large a monster is drawn.
const MONSTER_RADIUS_MM: i32 = 600;

/// A battle after a tick, as it is drawn.
#[derive(Clone, Debug, Default)]
pub(super) struct Frame {
    title: String,
    half_mm: (i32, i32),
    /// Where nobody walks, if the mode has such places.
    map: Option<Terrain>,
    /// Ground that means something, and monsters.
    discs: Vec<Disc>,
    /// Projectiles and pets.
    dots: Vec<Dot>,
    units: Vec<Unit>,
}

/// Something round.
#[derive(Clone, Copy, Debug)]
struct Disc {
    at_mm: (i32, i32),
    radius_mm: i32,
    colour: &'static str,
}

/// Something small of a side.
#[derive(Clone, Debug)]
struct Dot {
    at_mm: (i32, i32),
    side: u8,
    /// The character that stands for it on a terminal.
    sign: char,
}

/// A fighter in a frame.
#[derive(Clone, Debug)]
struct Unit {
    at_mm: (i32, i32),
    side: u8,
    /// The character that stands for it on a terminal.
    sign: char,
    name: String,
    hero: String,
    hp_permille: u16,
}

impl Frame {
    /// The battle of `setup` as `view` shows it.
    #[must_use]
    pub(super) fn of(setup: &Setup, view: &Snapshot) -> Self {
        let seconds = view.tick / setup.hz.max(1);
        let [first, second] = view.score;
        let (half_width, half_height) = setup.rules.half_size_mm();
        let side = |slot: u16| setup.seats.get(usize::from(slot)).map_or(0, |it| it.side.min(1));
        let pet = |it: PetView| Dot { at_mm: (it.x_mm, it.y_mm), side: side(it.owner), sign: '.' };
        let shot =
            |it: ProjectileView| Dot { at_mm: (it.x_mm, it.y_mm), side: side(it.owner), sign: '*' };
        let disc = |at_mm, radius_mm, colour| Disc { at_mm, radius_mm, colour };
        let mut discs: Vec<Disc> = Vec::new();
        for point in view.all::<PointView>() {
            discs.push(disc((point.x_mm, point.y_mm), point.radius_mm, "#e8dcb0"));
        }
        for area in view.all::<AreaView>() {
            discs.push(disc((area.x_mm, area.y_mm), area.radius_mm, "#cfe3d4"));
        }
        for monster in view.all::<MonsterView>() {
            discs.push(disc((monster.x_mm, monster.y_mm), MONSTER_RADIUS_MM, "#7a5a8a"));
        }
        Self {
            title: format!(
                "{} {}, tick {}, {}:{:02}, score {first}:{second}",
                setup.mode,
                setup.battle,
                view.tick,
                seconds / 60,
                seconds % 60
            ),
            half_mm: (half_width.max(1), half_height.max(1)),
            map: map(&setup.rules),
            discs,
            dots: view.all().map(shot).chain(view.all().map(pet)).collect(),
            units: view.all().filter_map(|fighter| unit(setup, &fighter)).collect(),
        }
    }

    /// The frame with characters: `#` is an obstacle, `*` a projectile, a letter a fighter, small
    /// on one side and capital on the other; below stands who is who.
    #[must_use]
    pub(super) fn characters(&self) -> String {
        let step_mm = (2 * self.half_mm.0.max(self.half_mm.1 * ASPECT) / COLUMNS).max(1);
        let (columns, rows) =
            (2 * self.half_mm.0 / step_mm + 1, 2 * self.half_mm.1 / (step_mm * ASPECT) + 1);
        let mut grid = vec![vec![' '; index(columns)]; index(rows)];
        for (row, line) in (0..).zip(&mut grid) {
            for (column, cell) in (0..).zip(line.iter_mut()) {
                let at =
                    (column * step_mm - self.half_mm.0, self.half_mm.1 - row * step_mm * ASPECT);
                if self.is_blocked(at) {
                    *cell = '#';
                }
            }
        }
        let mut put = |at_mm: (i32, i32), sign: char| {
            let column = (at_mm.0 + self.half_mm.0 + step_mm / 2) / step_mm;
            let row = (self.half_mm.1 - at_mm.1 + step_mm * ASPECT / 2) / (step_mm * ASPECT);
            if let Some(cell) = grid.get_mut(index(row)).and_then(|it| it.get_mut(index(column))) {
                *cell = sign;
            }
        };
        self.dots.iter().for_each(|dot| put(dot.at_mm, dot.sign));
        self.units.iter().for_each(|unit| put(unit.at_mm, unit.sign));
        let edge = format!("+{}+\n", "-".repeat(index(columns)));
        let mut text = format!("{}\n{edge}", self.title);
        for line in grid {
            text.extend(['|'].into_iter().chain(line).chain(['|', '\n']));
        }
        text += &edge;
        for unit in &self.units {
            let state = match unit.hp_permille {
                0 => String::from("dead"),
                permille => format!("{:3} %", permille.div_ceil(10)),
            };
            let _in_memory =
                writeln!(text, "  {}  {:<20} {:<12} {state}", unit.sign, unit.name, unit.hero);
        }
        text
    }

    /// The frame as an SVG document.
    #[must_use]
    pub(super) fn svg(&self) -> String {
        let scale = |mm: i32| {
            i32::try_from(
                i64::from(mm) * i64::from(PIXELS)
                    / i64::from(2 * self.half_mm.0.max(self.half_mm.1)),
            )
            .unwrap_or(0)
        };
        let at = |(x, y): (i32, i32)| {
            (scale(x + self.half_mm.0), scale(self.half_mm.1 - y) + TITLE_PIXELS)
        };
        let (width, height) = (scale(2 * self.half_mm.0), scale(2 * self.half_mm.1));
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {}\" \
             font-family=\"sans-serif\" font-size=\"13\">\n\
             <rect width=\"{width}\" height=\"{}\" fill=\"#f4f1ea\"/>\n\
             <text x=\"12\" y=\"26\" font-size=\"17\">{}</text>\n\
             <rect x=\"1\" y=\"{TITLE_PIXELS}\" width=\"{}\" height=\"{}\" fill=\"#fdfcf9\" \
             stroke=\"#888\"/>\n",
            height + TITLE_PIXELS,
            height + TITLE_PIXELS,
            escaped(&self.title),
            width - 2,
            height - 2,
        );
        for Disc { at_mm, radius_mm, colour } in self.discs.iter().copied().chain(self.pillars()) {
            let ((x, y), radius) = (at(at_mm), scale(radius_mm));
            svg += &format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\" fill=\"{colour}\"/>\n");
        }
        for block in self.blocks() {
            let (x, y) = at((block.x_mm - block.half_width_mm, block.y_mm + block.half_height_mm));
            let (width, height) = (scale(2 * block.half_width_mm), scale(2 * block.half_height_mm));
            svg += &format!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
                 fill=\"{BLOCKED}\"/>\n"
            );
        }
        for dot in &self.dots {
            let ((x, y), colour) = (at(dot.at_mm), COLOURS[usize::from(dot.side)]);
            svg += &format!("<circle cx=\"{x}\" cy=\"{y}\" r=\"4\" fill=\"{colour}\"/>\n");
        }
        for unit in &self.units {
            svg += &unit.svg(at(unit.at_mm));
        }
        svg + "</svg>\n"
    }

    fn is_blocked(&self, (x, y): (i32, i32)) -> bool {
        let in_pillar = |disc: Disc| {
            let way = |one: i32, other: i32| i64::from(one - other).pow(2);
            way(x, disc.at_mm.0) + way(y, disc.at_mm.1) <= i64::from(disc.radius_mm).pow(2)
        };
        let in_block = |block: &Block| {
            (x - block.x_mm).abs() <= block.half_width_mm
                && (y - block.y_mm).abs() <= block.half_height_mm
        };
        self.pillars().any(in_pillar) || self.blocks().any(in_block)
    }

    fn pillars(&self) -> impl Iterator<Item = Disc> {
        self.map.iter().flat_map(|map| &map.pillars).map(|pillar| Disc {
            at_mm: (pillar.x_mm, pillar.y_mm),
            radius_mm: pillar.radius_mm,
            colour: BLOCKED,
        })
    }

    /// Walls, and the cover that nobody walks through.
    fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.map.iter().flat_map(|map| {
            let cover = map.cover.iter().filter(|cover| cover.walking).map(|cover| &cover.block);
            map.walls.iter().chain(cover)
        })
    }
}

impl Unit {
    /// A disc with a bar of hit points above and the name below; a cross where one has died.
    fn svg(&self, (x, y): (i32, i32)) -> String {
        let colour = COLOURS[usize::from(self.side)];
        let name = escaped(&self.name);
        if self.hp_permille == 0 {
            return format!(
                "<g stroke=\"{colour}\" stroke-width=\"3\"><path d=\"M{} {}l12 12m0 -12l-12 12\"/>\
                 </g><text x=\"{x}\" y=\"{}\" text-anchor=\"middle\" fill=\"#999\">{name}</text>\n",
                x - 6,
                y - 6,
                y + 24,
            );
        }
        format!(
            "<circle cx=\"{x}\" cy=\"{y}\" r=\"9\" fill=\"{colour}\"/>\
             <rect x=\"{}\" y=\"{}\" width=\"30\" height=\"4\" fill=\"#ccc\"/>\
             <rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"4\" fill=\"#3a9a4a\"/>\
             <text x=\"{x}\" y=\"{}\" text-anchor=\"middle\">{name}</text>\n",
            x - 15,
            y - 17,
            x - 15,
            y - 17,
            u32::from(self.hp_permille) * 30 / 1_000,
            y + 24,
        )
    }
}

/// A fighter as it is drawn; `None` if it has no seat.
fn unit(setup: &Setup, fighter: &FighterView) -> Option<Unit> {
    let seat = setup.seats.get(usize::from(fighter.slot))?;
    Some(Unit {
        at_mm: (fighter.x_mm, fighter.y_mm),
        side: seat.side.min(1),
        sign: sign(seat.side, fighter.slot),
        name: seat.name.clone(),
        hero: setup.hero(seat.hero).map_or_else(String::new, |hero| hero.name.clone()),
        hp_permille: fighter.hp_permille,
    })
}

/// What stands where, if the mode has a map.
fn map(rules: &ModeRules) -> Option<Terrain> {
    match rules {
        ModeRules::Arena(arena) => Some(arena.map.clone()),
        ModeRules::Siege(_) => None,
    }
}

/// A letter for a slot; slots beyond the alphabet begin anew.
fn sign(side: u8, slot: u16) -> char {
    let letter = char::from(b'a' + u8::try_from(slot / 2 % 26).unwrap_or(0));
    if side == 0 { letter } else { letter.to_ascii_uppercase() }
}

fn index(number: i32) -> usize {
    usize::try_from(number).unwrap_or(0)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use battleapp::core::conformance::{any_orders, any_setup};
    use battleapp::core::modes::Modes;
    use shared::msg::snapshot::SPECTATOR;

    use super::*;

    fn fought(mode: &str) -> (Setup, Frame) {
        let mut setup = any_setup(Modes::BUILTIN, mode, 7).expect("there is such a mode");
        setup.seats[0].name = String::from("<anna>");
        let mut sim = Modes::BUILTIN.create(&setup).expect("it was checked");
        for tick in 0..40 {
            sim.step(&any_orders(7, tick, setup.seats.len()));
        }
        let frame = Frame::of(&setup, &sim.view(SPECTATOR));
        (setup, frame)
    }

    #[test]
    fn everybody_is_drawn_on_the_map_and_named_below_it() {
        for mode in Modes::BUILTIN.0 {
            let (setup, frame) = fought(mode.name());
            let text = frame.characters();
            let map = text.lines().filter(|line| line.starts_with('|'));
            assert!(map.clone().count() > 5 && map.clone().all(|line| line.ends_with('|')));
            assert!(map.flat_map(str::chars).any(|it| it.is_ascii_alphabetic()), "{text}");
            assert!(text.contains(&setup.seats[1].name), "{text}");
        }
    }

    #[test]
    fn an_svg_is_well_formed_and_names_are_text() {
        let (_, frame) = fought("duel");
        let svg = frame.svg();
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("&lt;anna>") && !svg.contains("<anna>"), "{svg}");
        assert!(svg.matches("<circle").count() >= 2, "{svg}");
    }
}
