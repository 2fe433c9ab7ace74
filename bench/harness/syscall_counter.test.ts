import { describe, expect, it } from 'vitest';
import { parsePerfStat, parseStrace } from './syscall_counter.ts';

describe('parsePerfStat', () => {
  it('names what has an event of its own and sums the rest', () => {
    const text = [
      '# started on Sat Nov 21 05:58:20 2026',
      '',
      '410,,raw_syscalls:sys_enter,1000,100.00,,',
      '200,,syscalls:sys_enter_recvfrom,1000,100.00,,',
      '200,,syscalls:sys_enter_sendto,1000,100.00,,',
      '0,,syscalls:sys_enter_splice,1000,100.00,,',
      '<not counted>,,syscalls:sys_enter_ioctl,0,0.00,,',
    ].join('\n');
    expect(parsePerfStat(text)).toEqual({ recvfrom: 200, sendto: 200, other: 10 });
  });
});

describe('parseStrace', () => {
  it('reads the table with and without an error count', () => {
    const text = [
      '% time     seconds  usecs/call     calls    errors syscall',
      '------ ----------- ----------- --------- --------- ----------------',
      ' 60.00    0.600000          10     60000           sendto',
      ' 40.00    0.400000          10     40000       120 recvfrom',
      '------ ----------- ----------- --------- --------- ----------------',
      '100.00    1.000000          10    100000       120 total',
    ].join('\n');
    expect(parseStrace(text)).toEqual({ sendto: 60_000, recvfrom: 40_000 });
  });
});
