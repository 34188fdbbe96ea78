export { createLogger, type LoggerOptions } from './logger.ts'
export { createMetrics, type HttpOutcome, type Census, type Metrics } from './metrics.ts'
