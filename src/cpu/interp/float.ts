/**
 * Floating-point instructions: F, D and Zfa, without loads and stores (memory.ts) and without the checks of mstatus.FS,
 * which the builder of ops puts around them.
 */
import { type CompareName, compareHandlers } from './float-compare.ts';
import { type ConvertName, convertHandlers } from './float-convert.ts';
import { type DoubleArithmeticName, doubleArithmetic } from './float-double.ts';
import { type MoveName, moveHandlers } from './float-move.ts';
import { type SingleArithmeticName, singleArithmetic } from './float-single.ts';
import { FloatUnit } from './float-unit.ts';
import type { HandlerTable, Registers } from './handler.ts';

export type FloatName = DoubleArithmeticName | SingleArithmeticName | CompareName | ConvertName | MoveName;

/** Handlers for FloatName. */
export function floatHandlers(registers: Registers): HandlerTable<FloatName> {
  const unit = new FloatUnit(registers);
  return {
    ...doubleArithmetic(unit),
    ...singleArithmetic(unit),
    ...compareHandlers(unit),
    ...convertHandlers(unit),
    ...moveHandlers(unit, registers),
  };
}
