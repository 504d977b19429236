import type { Context } from '../cli/command.ts';

/** Shows how far something is, if that is asked for: a bar on a terminal, lines anywhere else, on standard error. */
export async function showing<T>(
  context: Context,
  show: boolean,
  what: { readonly name: string; readonly bytes: number },
  job: (progress: (done: number) => void) => Promise<T>,
): Promise<T> {
  if (!show || what.bytes === 0) return job(() => {});
  // Only now: most have no need of it.
  const { progressReporter } = await import('../cli/progress.ts');
  const shown = progressReporter(context.stderr).download(what.name, what.bytes);
  try {
    return await job((done) => shown.progress(done, what.bytes));
  } finally {
    shown.end();
  }
}
