/** IEEE 754 arithmetic as RISC-V's F, D and Zfa want it, on bits: exact flags, all rounding modes, canonical NaNs. */
export * as f32 from './f32.ts';
export * as f64 from './f64.ts';
export { Flag, FloatEnv, NAN32, NAN64_HI, Rounding } from './format.ts';
