/** The C++ headers that native backends are built with, as text: pure functions of the tables. */
import { causes, csrTable } from './csr-table.ts';
import { insnTable } from './insn-table.ts';
import { stateLayout } from './state-layout.ts';

/** Folder of the headers, from the root of the package. */
export const GENERATED = 'native/core/generated';

/** Text of each header by file name. */
export function generateCpp(): ReadonlyMap<string, string> {
  return new Map([
    ['insn_table.h', insnTable()],
    ['csr_table.h', csrTable()],
    ['causes.h', causes()],
    ['state_layout.h', stateLayout()],
  ]);
}

/** Which files differ, are missing or do not belong, given what is there by file name; sentences. */
export function differences(present: ReadonlyMap<string, string>): string[] {
  const wanted = generateCpp();
  const problems: string[] = [];
  for (const [name, text] of wanted) {
    const found = present.get(name);
    if (found === undefined) problems.push(`${GENERATED}/${name} is missing`);
    else if (found !== text) problems.push(`${GENERATED}/${name} differs from line ${firstDifference(found, text)} on`);
  }
  for (const name of present.keys()) {
    if (!wanted.has(name)) problems.push(`${GENERATED}/${name} is not generated any more`);
  }
  return problems;
}

function firstDifference(a: string, b: string): number {
  const [left, right] = [a.split('\n'), b.split('\n')];
  return left.findIndex((line, i) => line !== right[i]) + 1 || left.length + 1;
}
