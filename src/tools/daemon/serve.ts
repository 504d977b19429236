import { type Args, type Context, ExitCode } from '../cli/command.ts';
import { Daemon } from './daemon.ts';
import { type DaemonLog, openLog } from './log.ts';
import { parseDaemonSettings } from './settings.ts';
import { notifySystemd, passedSockets } from './systemd.ts';

/** Resolves when the process is told to stop, or the daemon has been idle long enough. */
function stopAsked(daemon: Daemon, { events }: Context, log: DaemonLog): { asked: Promise<string>; off(): void } {
  const offs: (() => void)[] = [];
  const on = (signal: string, handler: () => void) => {
    events.on(signal, handler);
    offs.push(() => events.off(signal, handler));
  };
  const asked = new Promise<string>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT']) {
      let again = false;
      on(signal, () => {
        resolve(signal);
        if (again) void daemon.stop();
        again = true;
      });
    }
    on('SIGHUP', () => log.reopen());
    daemon.onIdle(() => resolve('idle'));
  });
  return {
    asked,
    off: () => {
      for (const off of offs) off();
    },
  };
}

async function serve(daemon: Daemon, context: Context, log: DaemonLog): Promise<void> {
  const { asked, off } = stopAsked(daemon, context, log);
  // Machines go on whatever becomes of the daemon; the next one finds them.
  const failed = (error: unknown) => {
    log.log(
      'error',
      `a fault of the daemon's: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
    void log.close().then(() => process.exit(ExitCode.FAILURE));
  };
  context.events.on('uncaughtException', failed);
  context.events.on('unhandledRejection', failed);
  try {
    daemon.announce();
    notifySystemd(context.env, '--ready');
    const why = await asked;
    log.log('info', 'stopping', { why });
    notifySystemd(context.env, 'STOPPING=1');
    await daemon.stop();
  } finally {
    off();
    context.events.off('uncaughtException', failed);
    context.events.off('unhandledRejection', failed);
  }
}

/** Runs a daemon until it is told to stop, and returns the exit status. Throws VirtError if it cannot start. */
export async function runDaemon(args: Args, context: Context): Promise<number> {
  const passed = passedSockets(context.env, process.pid);
  const settings = parseDaemonSettings(args, context.env, passed.length > 0);
  const log = openLog({ ...settings.log, stream: context.stderr });
  try {
    const daemon = await Daemon.start(settings, log, passed);
    await serve(daemon, context, log);
    return ExitCode.OK;
  } finally {
    await log.close();
  }
}
