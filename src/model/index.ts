export { createAnthropic } from './anthropic.ts'
export { createModelReader } from './fill-gaps.ts'
export { createOpenRouter } from './openrouter.ts'
