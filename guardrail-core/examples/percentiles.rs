//! tmp
use guardrail_core::*;
use std::time::Instant;
fn main(){
 let text=std::fs::read_to_string(std::env::args().nth(1).unwrap()).unwrap();
 let reqs:Vec<Request>=text.lines().filter(|l|!l.is_empty()).map(|l|Request::shell(l.replace("\\n","\n"))).collect();
 let g=Guard::new();
 for r in &reqs { let _=g.evaluate(r); }
 let mut t:Vec<(u128,usize)>=Vec::new();
 for (i,r) in reqs.iter().enumerate(){ let mut best=u128::MAX; for _ in 0..30 { let s=Instant::now(); for _ in 0..20 { let e=g.evaluate(r); std::hint::black_box(&e);} best=best.min(s.elapsed().as_nanos()/20);} t.push((best,i)); }
 t.sort();
 let n=t.len(); println!("n {} median {} p90 {} p99 {} max {}",n,t[n/2].0,t[n*9/10].0,t[n*99/100].0,t[n-1].0);
 for &(ns,i) in t.iter().rev().take(12) { if let Action::Shell(s)=&reqs[i].action { println!("{ns} {}",&s.chars().take(150).collect::<String>()); } }
 let pl=guardrail_core::Limits::STANDARD; let mut p:Vec<u128>=reqs.iter().map(|r|{ if let Action::Shell(s)=&r.action { let mut best=u128::MAX; for _ in 0..30 { let st=Instant::now(); for _ in 0..20 { let x=shell::parse(s.as_bytes(),&pl); std::hint::black_box(&x);} best=best.min(st.elapsed().as_nanos()/20);} best } else {0}}).collect(); p.sort(); println!("parse median {} p99 {}",p[n/2],p[n*99/100]);
}
