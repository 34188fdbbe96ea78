export {
  injected,
  PROVIDER_PRESETS,
  refreshTimes,
  templateProblem,
  type ClientAuthMethod,
  type ProviderDescription,
  type TokenEndpoints,
} from './account-providers.ts'
export { takesSignIn, takesTokens, type AccessMode } from './access-mode.ts'
export { atLeast, type Actor, type Role } from './actor.ts'
export { includesScope } from './api-scopes.ts'
export type {
  AnalysedArgument,
  AnalysedCandidate,
  AnalysedLaunch,
  AnalysedVariable,
  Analysis,
  AnalysisAbout,
  AnalysisVerdict,
  AnalysisWarning,
  BootProof,
  Evidence,
  ModelUse,
  PackageRegistry,
} from './analysis.ts'
export { NOTHING_FOUND } from './analysis.ts'
export {
  latencyBucket,
  LATENCY_BOUNDS_MS,
  type CallOutcome,
  type CallRecord,
  type CallSheet,
  type UsageMinute,
} from './calls.ts'
export { createAddressReader, isProxyRange, rateKey, type AddressReader } from './client-address.ts'
export { systemClock, type Clock } from './clock.ts'
export {
  RpcError,
  type Caller,
  type Endpoint,
  type EndpointDirectory,
  type HeldStream,
  type RequestReport,
} from './endpoint.ts'
export {
  CatwalkError,
  describeError,
  docsPath,
  ERROR_CODES,
  type ErrorBody,
  type ErrorCode,
} from './errors.ts'
export { deployVerdict, missingValues, needsConfirmation, valueProblem, type Given } from './deploy-checks.ts'
export { parseBundle, type Bundle, type BundleField } from './bundle/manifest.ts'
export { fillText, type BundlePlaces } from './bundle/text.ts'
export { chooseExecutable } from './executable.ts'
export { executablesOf } from './executables-of.ts'
export {
  fillHeader,
  givenHeader,
  headerProblem,
  HOP_BY_HOP_HEADERS,
  readHeader,
  variablesIn,
  type HeaderTemplate,
  type WrittenHeader,
} from './header-template.ts'
export { isId, newId, type IdKind } from './ids.ts'
export {
  argumentCredential,
  isArgumentCredential,
  launchCommand,
  type LaunchCommand,
} from './launch-command.ts'
export {
  describePackage,
  imageReference,
  packageLabel,
  variableProblem,
  type BundlePackage,
  type GitPackage,
  type GitProgram,
  type LaunchArgument,
  type LaunchPackage,
  type LaunchSpec,
  type LaunchTransport,
  type NpmPackage,
  type OciPackage,
  type PypiPackage,
  type PythonProgram,
  type RemotePackage,
  type ReleaseSettings,
  type RunSettings,
  type RuntimeKind,
  type ServedPort,
  type VariableDeclaration,
  type AccountSource,
} from './launch-spec.ts'
export {
  isListed,
  isNamed,
  networkPolicyKind,
  type NetworkPolicy,
  type NetworkPolicyKind,
} from './network-policy.ts'
export {
  canMove,
  deploymentState,
  isCrashLooping,
  isInProgress,
  type DeploymentFacts,
  type DeploymentState,
  type DesiredState,
  type ReleaseState,
} from './lifecycle.ts'
export { missingVariables } from './missing-variables.ts'
export type { ModelReader } from './model.ts'
export { slugify, suggestName } from './naming.ts'
export {
  compareReleases,
  type Change,
  type ComparedRelease,
  type NameChanges,
  type ReleaseChanges,
  type ToolChanges,
  differingMembers,
} from './release-changes.ts'
export { allowRanges, isPrivateRange, type AddressRule } from './private-ranges.ts'
export { CUT_MARK, cutText } from './cut-text.ts'
export { diskFull, publicError } from './public-error.ts'
export { createRedactor, type Redactor } from './redaction.ts'
export type { Mail, Mailer } from './mail.ts'
export type { Logger, LogLine, LogStream, LogWriter } from './logs.ts'
export {
  capabilitySetOf,
  isCapabilitySet,
  MOST_SETS,
  NO_CAPABILITIES,
  offersOf,
  toolsOfSets,
  type Offers,
  type OffersBySet,
} from './capability-set.ts'
export type { JsonObject, JsonValue, Manifest, ServerEra } from './manifest.ts'
export type {
  ImageIndex,
  ImageInfo,
  PackageArchive,
  PackageIndex,
  PackageInfo,
  PypiIndex,
  PypiInfo,
} from './packages.ts'
export { anySignal } from './any-signal.ts'
export { orAborted } from './or-aborted.ts'
export { quoted } from './quoted.ts'
export {
  differences,
  isStopped,
  pinsOf,
  withPins,
  type ToolPinning,
  type ToolPins,
  type ToolSighting,
  type ToolSightings,
} from './tool-pins.ts'
export {
  createToolDoor,
  knownTools,
  toolSheet,
  type InstanceTools,
  type KnownTools,
  type ToolDoor,
  type ToolNotices,
  type ToolSheet,
  type ToolSource,
} from './tool-door.ts'
export {
  createToolRules,
  type ToolBlock,
  type ToolRules,
  type ToolSetting,
  type ToolSettings,
} from './tool-rules.ts'
export type {
  Instance,
  InstanceEnd,
  InstanceInput,
  LineSink,
  Prepared,
  PrepareInput,
  ProcessPolicy,
  Runtime,
  DiskUse,
  StoreUse,
  RuntimeOffer,
  RuntimeStatus,
  RuntimeSupport,
} from './runtime.ts'
export {
  RegistryFailure,
  type RegistryChange,
  type RegistryClient,
  type RegistryDocument,
  type RegistryEntry,
  type RegistryName,
  type RegistryPackage,
  type RegistryPage,
  type RegistryRemote,
} from './registry.ts'
export { withRegistryFacts } from './registry-facts.ts'
export { portOf, registryTarget, type RegistryTarget } from './registry-target.ts'
export { Secret } from './secret.ts'
export type { SessionMemory, SessionNote } from './session-memory.ts'
export type {
  HeldSnapshot,
  PinnedSource,
  ReadableSource,
  Snapshot,
  SnapshotFile,
  SourceHost,
  SourceOptions,
} from './snapshot.ts'
export { snippetTarget, type SnippetTarget } from './snippet-target.ts'
export type {
  AnalysableSource,
  AnalysedSource,
  AnalysisStepName,
  SourceAnalysisInput,
  SourceAnalyzer,
} from './source-analyzer.ts'
export type {
  GithubSource,
  BundleSource,
  GitSource,
  NpmSource,
  OciSource,
  PypiSource,
  RegistrySource,
  RemoteSource,
  SnippetSource,
  Source,
  SourceKind,
} from './source.ts'
export { formatSource } from './source/format.ts'
export { parseSource, type ParseOptions } from './source/parse.ts'
export type { SnippetProgram, SnippetRemote, SnippetServer } from './source/snippet.ts'
export { mayRequest, type TokenScope } from './token-scope.ts'
export { traceIdOf, traceparentOf } from './trace-context.ts'
export { costOf, POD_BRIDGE_MIB, type MemoryPrice } from './cost.ts'
export { addedUp, beginOf, beginsBetween, percentileMs, rolledUp, spanFor, type UsageSpan } from './usage.ts'
export { quotasOf, type OwnQuotas, type Quotas } from './quotas.ts'
export { createTokenBuckets, type TokenBuckets } from './token-buckets.ts'
export { missesNativeModule } from './native-modules.ts'
export { placeholderFor, PLACEHOLDER_FOLDER, PLACEHOLDER_HOST } from './placeholders.ts'
export {
  neededPlaceholders,
  nextBoot,
  placeholderNames,
  trialSpec,
  type Boot,
  type BootResult,
} from './trial-plan.ts'
export type { Trial, TrialInput } from './trial.ts'
export {
  maskedValue,
  WORKSPACE_SETTINGS,
  type ServiceKeys,
  type WorkspaceSetting,
  type WorkspaceValues,
} from './workspace-settings.ts'
export {
  checkMember,
  defaultPrefix,
  fitsName,
  prefixedName,
  searchesTools,
  splitName,
  type Collection,
  type CollectionMember,
  type ToolListing,
} from './collection.ts'
export {
  changesNothing,
  compareTrials,
  summariseTrial,
  type FoundVersion,
  type Requirement,
  type UpdateTrial,
  type VersionFinder,
  type VersionTrial,
} from './updates.ts'
export { REPLICA_ROLES, type ReplicaRole } from './replica-roles.ts'
export {
  NOTICE_KINDS,
  noticeBody,
  NoticeGone,
  noticeOf,
  noticeTitle,
  noticeWaitSeconds,
  shownAddress,
  webhookHeaders,
  webhookSecret,
  type Notice,
  type NoticeAddress,
  type NoticeKind,
  type NoticeSender,
} from './notices.ts'
