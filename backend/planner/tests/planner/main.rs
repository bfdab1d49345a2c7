//! Tests of the planner from outside: scripted worlds with printed plans, and properties of every plan.

mod golden;
mod printer;
mod properties;
mod script;
