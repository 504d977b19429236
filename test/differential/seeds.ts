/**
 * Seeds of random programs: `full` of them under NODEVISOR_TEST_FULL, else `sample`, from NODEVISOR_TEST_SEED (default 0)
 * on. LOCKSTEP_SEED runs that one alone.
 */
export function seedsOf(full: number, sample: number): readonly number[] {
  const { LOCKSTEP_SEED: only, NODEVISOR_TEST_SEED: first = '0', NODEVISOR_TEST_FULL } = process.env;
  if (only !== undefined) return [Number(only)];
  return Array.from({ length: NODEVISOR_TEST_FULL ? full : sample }, (_, i) => Number(first) + i);
}
