/** An HTTP/1 upstream as a process of its own, so that it can be killed: answers every request with the value of its x-id. */
import { type ChildProcess, spawn } from 'node:child_process';

const SOURCE = `
const server = require('node:http').createServer((request, response) => response.end(request.headers['x-id'] ?? ''));
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
`;

export class UpstreamProcess {
  port = 0;
  private readonly child: ChildProcess = spawn(process.execPath, ['-e', SOURCE], { stdio: ['ignore', 'pipe', 'inherit'] });

  /** Returns when it listens. */
  static async start(): Promise<UpstreamProcess> {
    const self = new UpstreamProcess();
    self.port = await new Promise<number>((resolve, reject) => {
      self.child.once('error', reject);
      self.child.stdout?.once('data', (bytes: Buffer) => resolve(Number(bytes.toString())));
    });
    return self;
  }

  /** At once, whatever it is doing; returns when it is gone. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.child.kill('SIGKILL');
    await gone;
  }
}
