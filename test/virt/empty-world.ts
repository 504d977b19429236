import type { Connection } from '../../src/index.ts';

/** Takes away all domains, networks and pools of a world. */
export async function emptyWorld(connection: Connection): Promise<void> {
  for (const domain of await connection.listAllDomains()) {
    const persistent = await domain.isPersistent();
    if (await domain.isActive()) await domain.destroy();
    if (persistent) await domain.undefine();
  }
  for (const network of await connection.listAllNetworks()) {
    const persistent = await network.isPersistent();
    if (await network.isActive()) await network.destroy();
    if (persistent) await network.undefine();
  }
  for (const pool of await connection.listAllStoragePools()) {
    const persistent = await pool.isPersistent();
    if (await pool.isActive()) await pool.destroy();
    if (persistent) await pool.undefine();
  }
}
