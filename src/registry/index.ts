export { createGlama } from './glama.ts'
export { createOfficialRegistry } from './official.ts'
export { crawl, type Crawl, type CrawlResult, type CrawlStore } from './sync.ts'
