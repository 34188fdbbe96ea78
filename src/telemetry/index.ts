export { createLogger, type LoggerOptions } from './logger.ts'
export { createMetrics, type CallOutcome, type Census, type Metrics } from './metrics.ts'
