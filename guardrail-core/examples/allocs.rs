//! tmp
#![allow(unsafe_code)]
use guardrail_core::*;
use std::alloc::*; use std::sync::atomic::*;
struct A; static N:AtomicUsize=AtomicUsize::new(0);
unsafe impl GlobalAlloc for A { unsafe fn alloc(&self,l:Layout)->*mut u8{N.fetch_add(1,Ordering::Relaxed);unsafe{System.alloc(l)}} unsafe fn dealloc(&self,p:*mut u8,l:Layout){unsafe{System.dealloc(p,l)}} unsafe fn realloc(&self,p:*mut u8,l:Layout,n:usize)->*mut u8{N.fetch_add(1,Ordering::Relaxed);unsafe{System.realloc(p,l,n)}}}
#[global_allocator] static G:A=A;
fn main(){
 let g=Guard::new();
 for c in std::env::args().skip(1) { let r=Request::shell(c.clone()); let _=g.evaluate(&r); let n=N.load(Ordering::Relaxed); let e=g.evaluate(&r); let m=N.load(Ordering::Relaxed); drop(e); let s=shell::parse(c.as_bytes(),&Limits::STANDARD); let p=N.load(Ordering::Relaxed); drop(s); println!("{} allocs, parse {}: {c}",m-n,p-m); }
}
