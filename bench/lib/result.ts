/** What benchmarks report, and how it is shown. */

/** One figure: the median of its runs. */
export interface Measurement {
  /** The benchmark's name: `boot`, `kernels` … */
  readonly bench: string;
  /** What was measured: a workload, a kind of exit. */
  readonly what: string;
  /** Who did it: a CPU backend, `host`, `qemu-system-riscv64`. */
  readonly subject: string;
  readonly unit: string;
  readonly median: number;
  readonly runs: readonly number[];
}

/** What a benchmark is told. */
export interface BenchContext {
  /** Backends to measure. */
  readonly backends: readonly string[];
  /** Whether to measure QEMU and the host too. */
  readonly peers: boolean;
  /** Of the native backend, where a benchmark can tell: 0, its interpreter alone; undefined: as it comes. */
  readonly tier?: 0 | 1 | undefined;
  /** Counted runs of each figure. */
  readonly runs: number;
  /** Says what is going on. */
  progress(text: string): void;
}

/** A benchmark: a name for the command line and what it measures. */
export interface Benchmark {
  readonly name: string;
  readonly help: string;
  measure(context: BenchContext): Promise<Measurement[]>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function measurement(
  bench: string,
  what: string,
  subject: string,
  unit: string,
  runs: readonly number[],
): Measurement {
  return { bench, what, subject, unit, median: median(runs), runs };
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);
}

/** One line per thing measured, one column per subject. */
export function formatTable(measurements: readonly Measurement[]): string {
  const subjects = [...new Set(measurements.map((m) => m.subject))];
  const rows = new Map<string, Map<string, Measurement>>();
  for (const m of measurements) {
    const key = `${m.bench}: ${m.what} (${m.unit})`;
    const row = rows.get(key) ?? new Map<string, Measurement>();
    row.set(m.subject, m);
    rows.set(key, row);
  }
  const table = [['', ...subjects]];
  for (const [key, row] of rows) {
    table.push([key, ...subjects.map((s) => (row.has(s) ? number((row.get(s) as Measurement).median) : '–'))]);
  }
  const widths = table[0].map((_, column) => Math.max(...table.map((line) => line[column].length)));
  return table
    .map((line) => line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '))
    .join('\n');
}

function number(v: number): string {
  const digits = v === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(Math.abs(v))));
  return v.toFixed(Math.min(digits, 4));
}
