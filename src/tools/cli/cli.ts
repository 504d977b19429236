import { readFileSync } from 'node:fs';
import { VirtError } from '../../util/index.ts';
import { assetPath } from '../assets.ts';
import { type Context, ExitCode, exitCodeOf } from './command.ts';
import { commandsOf } from './command-loaders.ts';
import { parseAndRun } from './parser.ts';
import { UsageFailure } from './virsh/failure.ts';

/** Version of the package. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(assetPath('../package.json'), 'utf8')) as { version: string };
  return version;
}

function longVersion(): string {
  return [
    `nodevisor ${packageVersion()}: virtual machines for Node.js`,
    `On Node.js ${process.versions.node}, ${process.platform} ${process.arch}`,
    '',
    'Connections:',
    ' In this process: nodevisor:///embed test:///default',
    ' Daemons: nodevisor:///session nodevisor:///system qemu:///system qemu:///session xen:///system …',
    ' Transports: unix tcp tls ssh',
    '',
  ].join('\n');
}

/** Whether it is a call of the operating system that failed, for want of a permission, a file or room. */
function isOfSystem(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return typeof code === 'string' && typeof syscall === 'string';
}

function explain(error: unknown, env: NodeJS.ProcessEnv): string {
  if (!(error instanceof Error)) return String(error);
  // An expected error is one line; one of ours comes with the place where it happened.
  const expected = error instanceof VirtError || error instanceof UsageFailure || isOfSystem(error);
  return expected && env['NODEVISOR_DEBUG'] === undefined ? error.message : (error.stack ?? error.message);
}

async function dispatch(argv: readonly string[], context: Context): Promise<number> {
  const own = await commandsOf(argv[0], argv[1]);
  if (own !== undefined) return parseAndRun(own, packageVersion(), argv, context);
  // Only now: a machine without a connection starts sooner without all this.
  const { brief, isForConnection, overview, parseGlobals, runConnection, unknownCommand } = await import(
    './virsh/main.ts'
  );
  const globals = parseGlobals(argv);
  if (globals.version !== undefined) {
    context.stdout.write(globals.version === 'long' ? longVersion() : `${packageVersion()}\n`);
    return ExitCode.OK;
  }
  if (globals.help) {
    context.stdout.write(overview());
    return ExitCode.OK;
  }
  const [first, topic] = globals.rest;
  const machine = first === 'help' ? await commandsOf(topic) : undefined;
  if (machine !== undefined) {
    return parseAndRun(machine, packageVersion(), [...globals.rest.slice(1), '--help'], context);
  }
  if (isForConnection(globals, context)) return runConnection(globals, context);
  context.stderr.write(first === undefined ? brief() : `nodevisor: ${unknownCommand(first)}\n`);
  return ExitCode.USAGE;
}

/** Runs one command line to its end and returns the exit status; errors become a line on stderr. */
export async function runCli(argv: readonly string[], context: Context): Promise<number> {
  try {
    return await dispatch(argv, context);
  } catch (error) {
    const ofConnection = error instanceof UsageFailure;
    context.stderr.write(`${ofConnection ? 'error' : 'nodevisor'}: ${explain(error, context.env)}\n`);
    return ofConnection ? ExitCode.FAILURE : exitCodeOf(error);
  }
}
