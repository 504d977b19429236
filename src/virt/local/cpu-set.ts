/** The list of some CPUs, `0-1,3`. */
export function formatCpuSet(cpus: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const cpu of cpus) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === cpu - 1) last[1] = cpu;
    else ranges.push([cpu, cpu]);
  }
  return ranges.map(([low, high]) => (low === high ? `${low}` : `${low}-${high}`)).join(',');
}

/** A map of so many CPUs, one bit each, least significant first. */
export function cpuMap(cpus: Iterable<number>, count: number): Uint8Array {
  const map = new Uint8Array(Math.ceil(count / 8));
  for (const cpu of cpus) if (cpu < count) map[cpu >> 3] = (map[cpu >> 3] as number) | (1 << (cpu & 7));
  return map;
}

/** The CPUs of a map, of those that the host has. */
export function cpusOfMap(map: Uint8Array, count: number): number[] {
  const all = Array.from({ length: Math.min(count, map.length * 8) }, (_, cpu) => cpu);
  return all.filter((cpu) => (((map[cpu >> 3] as number) >> (cpu & 7)) & 1) !== 0);
}
