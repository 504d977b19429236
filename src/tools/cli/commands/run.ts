import { createMachine, type MachineHandle, prepareVcpuThread } from '../../../drivers/index.ts';
import { type Logger, LogLevel } from '../../../util/index.ts';
import { type Args, type CommandDef, type Context, ExitCode } from '../command.ts';
import { connectConsole } from '../run/console.ts';
import { machineOptions } from '../run/machine.ts';
import { parseRunOptions, type RunOptions, runOptionDefs } from '../run/options.ts';
import { checkResult, writeReports, writeResult } from '../run/report.ts';
import { type Outcome, Supervisor } from '../run/supervise.ts';

function stderrLogger({ stderr, stdin }: Context): Logger {
  return {
    log(level, message) {
      // A raw terminal wants its carriage returns.
      if (LogLevel[level] >= LogLevel.warn) stderr.write(`nodevisor: ${message}${stdin.isTTY ? '\r' : ''}\n`);
    },
  };
}

async function dumpDtb(machine: MachineHandle, file: string, context: Context): Promise<number> {
  if (file === '-') context.stdout.write(machine.dtb);
  else {
    await checkResult('device tree', file);
    await writeResult('device tree', file, machine.dtb);
  }
  return ExitCode.OK;
}

async function runMachine(machine: MachineHandle, options: RunOptions, context: Context): Promise<Outcome> {
  const supervisor = new Supervisor(machine, context, options.timeoutSeconds);
  const link = options.console === 'stdio' ? connectConsole(machine.console, context, supervisor) : undefined;
  try {
    await machine.start();
    return await supervisor.wait();
  } finally {
    supervisor.close();
    // A machine that never started has no output to wait for.
    await machine.destroy();
    await link?.close();
  }
}

/** `nodevisor run`. */
export const runCommand: CommandDef = {
  path: ['run'],
  summary: 'run a machine until its guest powers off',
  notes: [
    'With no kernel and no image: the bundled guest, on a terminal its tour and then its shell.',
    'On a terminal Ctrl-A X ends the machine and Ctrl-A H helps.',
    'Exit status: 0 after a power-off, the code that the guest gave the test device or HTIF, 124 on a time-out,',
    '2 for bad usage or bad input, 1 for a failure of ours, 128 + n after signal n.',
  ].join('\n'),
  arguments: [{ usage: '[image]', help: 'what "image pull" got: debian, or the directory that it was put into' }],
  options: runOptionDefs,
  async run(args: Args, context: Context): Promise<number> {
    const options = parseRunOptions(args);
    const interactive = options.console === 'stdio' && context.stdin.isTTY === true && context.stdout.isTTY === true;
    const colour = interactive && (context.env['NO_COLOR'] ?? '') === '' && context.env['TERM'] !== 'dumb';
    const logger = stderrLogger(context);
    // While images are opened. Without it the machine starts all the same.
    if (options.clock === 'host' && options.dumpDtb === undefined) prepareVcpuThread().catch(() => {});
    const machine = await createMachine(await machineOptions(options, { interactive, colour }, context.env, logger));
    try {
      if (options.dumpDtb !== undefined) return await dumpDtb(machine, options.dumpDtb, context);
      // Before it runs for hours: is there a signature to write, and can it be written?
      if (options.signature !== undefined) machine.signature();
      await checkResult('signature', options.signature);
      await checkResult('statistics', options.stats);
      const { status, exitCode } = await runMachine(machine, options, context);
      if (status.reason === 'crashed') context.stderr.write(`nodevisor: ${status.detail}\n`);
      await writeReports(machine, options, status, exitCode);
      return exitCode;
    } finally {
      await machine.destroy();
    }
  },
};
