use battleapp::core::{battle::*, setup::*, BATTLE_HZ};
use shared::ids::*; use shared::msg::client::*; use shared::content::*; use shared::msg::matchmaker_battle::*; use shared::msg::matchmaker_baseapp::*;
fn main(){
 let hero=Hero{id:1,name:"h".into(),hp:400,speed_mm_s:4000,radius_mm:400,melee:MeleeSkill{damage:50,reach_mm:900,cooldown_ms:600},ranged:RangedSkill{damage:40,speed_mm_s:12000,range_mm:9000,radius_mm:150,cooldown_ms:1000}};
 let r=Reward{gold:1,xp:1,items:vec![]};
 let rules=ArenaRules{half_width_mm:12000,half_height_mm:8000,duration_s:600,kills_to_win:9999,respawn_ms:3000,pillars:vec![Pillar{x_mm:0,y_mm:0,radius_mm:900};5],won:r.clone(),lost:r.clone(),drawn:r};
 let nid=NodeId{node:1,incarnation:1};
 let seats:Vec<Seat>=(0..10u8).map(|s|Seat{side:s%2,player:PlayerId(u64::from(s)),session:SessionRef{gateway:nid,session:SessionId(u64::from(s))},card:PlayerCard{name:"n".into(),level:1,rating:1,hero:1,bonus_hp:0,bonus_damage:0},stakes:Stakes::default()}).collect();
 let mk=|b:u64|{let setup=Setup{battle:BattleId(b),mode:"arena".into(),seed:b,hz:BATTLE_HZ,rules:rules.clone(),heroes:vec![hero.clone()],seats:seats.iter().map(|s|SeatSetup{side:s.side,player:s.player,name:"n".into(),hero:1,bonus_hp:0,bonus_damage:0}).collect()}; setup.check().unwrap(); Battle::new(setup,&seats,"b").unwrap()};
 for n in [1usize,100,500]{
  let t=std::time::Instant::now();
  let mut bs:Vec<_>=(0..n).map(|b|mk(b as u64)).collect();
  let build=t.elapsed();
  let ticks=2000/n.max(4).min(20);
  let t=std::time::Instant::now(); let mut steps=0u64; let mut len=0;
  for k in 0..ticks as u32 { for b in &mut bs {
    if true { for s in 0..10u8 { let d=ClientDatagram{battle:b.id(),seen_tick:0,commands:vec![Command{sequence:k+1,walk:(((k as i32*7+s as i32*31)%255-127) as i8,50),act:if k%3==0{Act::Shoot{towards:(if s%2==0{127}else{-127},(k%100) as i8)}}else{Act::Melee}}]}; b.take_commands(PlayerId(u64::from(s)),SessionRef{gateway:nid,session:SessionId(u64::from(s))},&d).unwrap(); } }
    match b.step(){Stepped::Going(x)|Stepped::Over(x,_)=>len=len.max(x.len()),Stepped::Fault=>panic!()} steps+=1; } }
  println!("{n} battles: build {:?} each, {:?} per step, max snapshot {len}", build/n as u32, t.elapsed()/steps as u32);
 }
 let mut b=mk(1); for _ in 0..3600{b.step();} let (_,bytes)=b.finish(Ending::Void); println!("idle 180 s replay {} bytes", bytes.len());
}
