/**
 * Loaded into a Node proxy with --import where the kernel's /proc cannot be read: answers each message on
 * the channel with the process's own accounting. Does nothing in worker threads and without a channel.
 */
import type { ProbeAnswer } from './accounting.ts';

if (process.send !== undefined && process.channel !== undefined) {
  process.on('message', (message) => {
    if (message !== 'usage') return;
    const usage = process.resourceUsage();
    const answer: ProbeAnswer = {
      userUs: usage.userCPUTime,
      systemUs: usage.systemCPUTime,
      rssKib: Math.round(process.memoryUsage.rss() / 1024),
      peakRssKib: usage.maxRSS,
    };
    process.send?.(answer);
  });
  process.channel?.unref();
}
