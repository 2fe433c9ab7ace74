/** A running admin interface over a fake server, and a client that sees raw bytes. */
import { connect } from 'node:net';
import { Admin, type AdminOptions } from '../../admin/admin.ts';
import type { Instance } from '../../server/instance.ts';

export interface RunningAdmin {
  readonly port: number;
  readonly admin: Admin;
  /** Sends raw bytes on one connection and resolves with everything that comes until the peer closes it. */
  raw(bytes: string): Promise<string>;
  close(): Promise<void>;
}

export async function startAdmin(instance: Instance, options: Partial<AdminOptions> = {}): Promise<RunningAdmin> {
  const admin = new Admin(instance, { address: { kind: 'tcp', host: '127.0.0.1', port: 0 }, allowPaths: undefined, ...options });
  const address = await admin.start();
  const port = Number(address.split(':')[1]);
  return {
    port,
    admin,
    raw: (bytes) => new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1');
      let text = '';
      socket.setEncoding('utf8');
      socket.on('data', (data: string) => {
        text += data;
      });
      socket.once('error', reject);
      socket.once('close', () => resolve(text));
      socket.write(bytes);
    }),
    close: () => admin.close(),
  };
}
