export { analyzeImage, onlyPort, withRepository } from './analyze-image.ts'
export { analyze, leadsTo, type AnalyzeInput, type PackageIndexes, type PackageLookup } from './analyze.ts'
export { snapshotOfFolder } from './folder-snapshot.ts'
export { withProof } from './with-proof.ts'
