import type { OptionDef } from '../cli/command.ts';

/** The options of `nodevisor daemon`. */
export const daemonOptionDefs: readonly OptionDef[] = [
  { flags: '--state <dir>', help: 'directory of definitions and of what runs' },
  {
    flags: '--listen <address>',
    help: 'unix:PATH, tcp:127.0.0.1:PORT or tls:HOST:PORT; may be repeated',
    repeat: true,
  },
  { flags: '--group <group>', help: 'group that may use the unix sockets (mode 0660 rather than 0600)' },
  { flags: '--read-only-mode <mode>', help: 'mode of the unix sockets for reading only, in octal' },
  { flags: '--tls-ca <file>', help: "certificate of the authority that signs clients' certificates" },
  { flags: '--tls-cert <file>', help: 'certificate of this host' },
  { flags: '--tls-key <file>', help: 'key of this host' },
  { flags: '--tls-client <name>', help: 'common name of a client that may connect; may be repeated', repeat: true },
  { flags: '--log-level <level>', help: 'debug, info (default), warn or error' },
  { flags: '--log-format <format>', help: 'text (default) or json' },
  { flags: '--log-file <file>', help: 'log into a file, opened anew on SIGHUP; default: standard error' },
  {
    flags: '--on-stop <policy>',
    help: 'on SIGTERM guests are asked to shutdown (default), destroyed, or left running',
  },
  { flags: '--stop-timeout <seconds>', help: 'how long guests may take for that; default 60' },
  { flags: '--idle-timeout <seconds>', help: 'end when there are neither domains running nor clients so long' },
  { flags: '--max-clients <n>', help: 'connections at the same time; default 1000' },
  { flags: '--max-unopened <n>', help: 'of these, clients that have not said what they want yet; default 250' },
  { flags: '--max-client-calls <n>', help: 'calls of one client at the same time; default 20' },
  { flags: '--no-spare', help: 'keep no process ready for the next domain' },
];
