import { homedir, userInfo } from 'node:os';

/**
 * The user's home: $HOME, or where that is empty or not set, what the user database says. Never empty, so that nothing
 * below it lands in the current directory.
 */
export function homeDirectory(env: Readonly<Record<string, string | undefined>>): string {
  return env['HOME'] || homedir() || userInfo().homedir;
}
