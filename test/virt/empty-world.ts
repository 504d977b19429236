import type { Connection } from '../../src/index.ts';

/** Takes away all domains, networks and pools of a world. */
export async function emptyWorld(connection: Connection): Promise<void> {
  for (const domain of await connection.listAllDomains()) {
    if (await domain.isActive()) await domain.destroy();
    await domain.undefine();
  }
  for (const network of await connection.listAllNetworks()) {
    if (await network.isActive()) await network.destroy();
    await network.undefine();
  }
  for (const pool of await connection.listAllStoragePools()) {
    if (await pool.isActive()) await pool.destroy();
    await pool.undefine();
  }
}
