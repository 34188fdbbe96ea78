// Preloaded into a process that a launcher started: when the launcher is gone, killed with -9 included, end in order.
process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// The channel is only for noticing that; it must not keep the program alive by itself.
process.channel?.unref()
