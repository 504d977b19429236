import type { CommandDef } from '../cli/command.ts';
import { daemonOptionDefs } from './options.ts';

/** `nodevisor daemon`. */
export const daemonCommand: CommandDef = {
  path: ['daemon'],
  summary: "keep machines and serve libvirt's protocol",
  notes: [
    'Without options: as the user, with the state under $XDG_STATE_HOME/nodevisor (~/.local/state/nodevisor) and a socket',
    'in $XDG_RUNTIME_DIR/nodevisor/ (~/.cache/nodevisor/). Beside each unix socket there is one for reading only, with',
    '"-ro" behind its name. virsh -c "nodevisor:///session?socket=SOCKET" connects to it.',
    'Machines are processes of their own: killed at any moment and started again, the daemon takes them over.',
  ].join('\n'),
  arguments: [],
  options: daemonOptionDefs,
  async run(args, context) {
    // Only now: the other commands start sooner without all this.
    const { runDaemon } = await import('./serve.ts');
    return runDaemon(args, context);
  },
};
