//! The real binary, in temporary directories, on ports that the system gives.

mod configuration;
mod demonstration;
mod directories;
mod doctor;
mod door;
mod harness;
mod life;
mod logs;
mod oncall;
mod pages;
mod sending;
mod supervision;
