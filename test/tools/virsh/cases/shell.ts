import type { Case } from './case.ts';

/** The shell itself. */
export const shell: Readonly<Record<string, Case>> = {
  help: {
    table: [
      'help events',
      " Domain Events (help keyword 'events'):\n    event                          domain events\n",
    ],
    json: [undefined, [{ name: 'event', summary: 'domain events' }]],
    error: ['help frob', "command or command group 'frob' doesn't exist"],
  },
  exit: {
    table: ['echo a; exit; echo b', 'a'],
    json: ['echo a; exit; echo b', ['a']],
    error: ['exit x', "unexpected data 'x'"],
  },
  quit: {
    table: ['echo a; quit; echo b', 'a'],
    json: ['echo a; quit; echo b', ['a']],
    error: ['quit x', "unexpected data 'x'"],
  },
  cd: {
    table: ['cd --help', /NAME\n {4}cd - /],
    json: ['help cd', (value: { name: string }) => value.name === 'cd'],
    error: ['cd /', 'cd: command valid only in interactive mode'],
  },
  pwd: {
    table: ['pwd', `${process.cwd()}\n`],
    json: [undefined, { directory: process.cwd() }],
    error: ['pwd x', "unexpected data 'x'"],
  },
  connect: {
    table: ['connect test:///default; uri', 'test:///default\n'],
    json: [undefined, { uri: 'test:///default' }],
    error: ['connect odd:///', 'failed to connect to the hypervisor', /^Failed to connect socket to /],
  },
  echo: {
    table: ["echo --xml a '<b>'", 'a &lt;b&gt;'],
    json: [undefined, ['a', '&lt;b&gt;']],
    error: ['echo --frob', "command 'echo' doesn't support option --frob"],
  },
  completion: {
    table: ['completion bash', /^# bash completion for nodevisor\n/],
    json: ['help completion', (value: { name: string }) => value.name === 'completion'],
    error: ['completion fish', "there is no completion for 'fish': there are bash and zsh"],
  },
};
