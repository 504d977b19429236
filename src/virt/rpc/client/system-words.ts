import { getSystemErrorMap } from 'node:util';

/** What getaddrinfo(3) says of names, by Node's codes; Node has words of its own. */
const resolverWords: Readonly<Record<string, string>> = {
  ENOTFOUND: 'Name or service not known',
  EAI_AGAIN: 'Temporary failure in name resolution',
};

/** `No such file or directory`: the system's own words for an error of its, as libvirt gives them. */
export function systemWords({ errno = 0, code, message }: NodeJS.ErrnoException): string {
  const resolver = resolverWords[code ?? ''];
  if (resolver !== undefined) return resolver;
  const words = getSystemErrorMap().get(errno)?.[1];
  if (words === undefined) return message || String(code);
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}`;
}
