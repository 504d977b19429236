/** Memory that Debian's boot takes: the peak of the whole process, and how much of its RAM the guest has touched. */
import { readFileSync } from 'node:fs';
import { inTurn } from './lib/in-turn.ts';
import { debianImage } from './lib/linux.ts';
import { type Benchmark, type Measurement, measurement } from './lib/result.ts';
import { buildPackage, RAM_MIB, shellProcesses } from './lib/shell-process.ts';

/** In MiB. */
interface Footprint {
  readonly peak: number;
  readonly touched: number;
}

/** Peak of a process (VmHWM), and what is resident of its one mapping that can be the guest's RAM, state beside it included. */
function footprint(pid: number): Footprint {
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  const mappings = readFileSync(`/proc/${pid}/smaps`, 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const sizes = mappings.map((text) => ({
    writable: /^\S+ rw/.test(text),
    sizeMib: Number(/^Size:\s+(\d+) kB/m.exec(text)?.[1]) / 1024,
    rssMib: Number(/^Rss:\s+(\d+) kB/m.exec(text)?.[1]) / 1024,
  }));
  const ram = sizes.filter(({ writable, sizeMib }) => writable && sizeMib >= RAM_MIB && sizeMib < RAM_MIB + 64);
  if (peak === undefined || ram.length !== 1) throw new Error(`${ram.length} mappings may be the guest's RAM`);
  return { peak: Number(peak) / 1024, touched: ram[0].rssMib };
}

export const memory: Benchmark = {
  name: 'memory',
  help: 'peak memory of the process that boots Debian to its shell; with --peers also of QEMU',
  async measure(context) {
    buildPackage();
    const { subjects, close } = shellProcesses(await debianImage(), context, ({ pid }) => footprint(pid));
    try {
      return report(await inTurn(context, 'memory', subjects));
    } finally {
      close();
    }
  },
};

function report(found: ReadonlyMap<string, readonly Footprint[]>): Measurement[] {
  const figures: Record<string, (f: Footprint) => number> = {
    'peak of Debian’s boot': ({ peak }) => peak,
    'RAM the guest touched': ({ touched }) => touched,
    'peak beyond 1.3 times that': ({ peak, touched }) => peak - 1.3 * touched,
  };
  return [...found].flatMap(([subject, runs]) =>
    Object.entries(figures).map(([what, figure]) => measurement('memory', what, subject, 'MiB', runs.map(figure))),
  );
}
