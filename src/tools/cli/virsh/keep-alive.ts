/** The longest interval there is; nothing happens at its end. */
const FOREVER_MS = 2 ** 31 - 1;

/** Keeps the process alive during a wait for something that holds no handle of its own. */
export async function whileAlive<T>(work: Promise<T>): Promise<T> {
  const handle = setInterval(() => {}, FOREVER_MS);
  try {
    return await work;
  } finally {
    clearInterval(handle);
  }
}
