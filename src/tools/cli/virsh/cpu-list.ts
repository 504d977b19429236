import { UsageFailure } from './failure.ts';

/** `0-3,7` of a bit map, least significant bit first. */
export function formatCpuList(cpumap: Uint8Array, cpus: number): string {
  const has = (cpu: number) => cpu < cpus && ((cpumap[cpu >> 3] ?? 0) >> (cpu & 7)) & 1;
  const parts: string[] = [];
  for (let cpu = 0; cpu < cpus; cpu++) {
    if (!has(cpu)) continue;
    const first = cpu;
    while (has(cpu + 1)) cpu++;
    parts.push(first === cpu ? `${first}` : `${first}-${cpu}`);
  }
  return parts.join(',');
}

function badList(list: string): UsageFailure {
  return new UsageFailure(`Invalid cpulist '${list}'`, `invalid argument: Failed to parse bitmap '${list}'`);
}

/** A bit map of `0-3,7,^2`; `r` means all. Throws UsageFailure. */
export function parseCpuList(list: string, cpus: number): Uint8Array {
  const map = new Uint8Array((cpus + 7) >> 3);
  const set = (cpu: number, on: boolean) => {
    const bit = 1 << (cpu & 7);
    map[cpu >> 3] = on ? map[cpu >> 3]! | bit : map[cpu >> 3]! & ~bit;
  };
  for (const part of list === 'r' ? [`0-${cpus - 1}`] : list.split(',')) {
    const match = /^\s*(\^?)(\d+)(?:-(\d+))?\s*$/.exec(part);
    const first = Number(match?.[2]);
    const last = match?.[3] === undefined ? first : Number(match[3]);
    if (match === null || first > last) throw badList(list);
    if (last >= cpus) throw new UsageFailure(`CPU ${last} in cpulist '${list}' exceed the maxcpu ${cpus}`);
    for (let cpu = first; cpu <= last; cpu++) set(cpu, match[1] === '');
  }
  if (map.every((byte) => byte === 0)) throw badList(list);
  return map;
}
