export {
  acceptInvitation,
  createInvitation,
  joinByInvitation,
  listInvitations,
  lookAtInvitation,
  revokeInvitation,
  signUp,
} from './invitations.ts'
export {
  collectDeviceLogin,
  decideDeviceLogin,
  lookAtDeviceLogin,
  startDeviceLogin,
} from './device-logins.ts'
export { createApiKey, listApiKeys, revokeApiKey } from './manage-api-keys.ts'
export { changeRole, listMembers, removeMember } from './members.ts'
export { changePassword, issuePasswordReset, redeemPasswordReset } from './passwords.ts'
export { hasPassword, isEmailVerified } from './prove.ts'
export { listSessions, revokeSession } from './sessions.ts'
export { createWorkspace, listWorkspaces, renameWorkspace } from './workspaces.ts'
