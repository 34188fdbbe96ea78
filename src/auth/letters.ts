import type { Mail } from '../domain/index.ts'

/** The mail with a link that sets a new password. */
export function passwordResetMail(to: string, url: URL): Mail {
  return {
    to,
    kind: 'password_reset',
    subject: 'Set a new password for Catwalk',
    text: letter([
      `Somebody, hopefully you, asked for a new password for your account at ${url.origin}.`,
      `Set it here. The link works once, for 30 minutes:\n\n${url.href}`,
      'If it was not you, do nothing: your password stays as it is.',
    ]),
  }
}

/** The mail with a link that proves that an address is somebody's. */
export function verificationMail(to: string, url: URL): Mail {
  return {
    to,
    kind: 'verification',
    subject: 'Confirm your address for Catwalk',
    text: letter([
      `This address was given for an account at ${url.origin}.`,
      `If it is yours, confirm it here. The link works once, for a day:\n\n${url.href}`,
      'If you know nothing of it, do nothing.',
    ]),
  }
}

/** The mail with an invitation to a workspace. */
export function invitationMail(
  to: string,
  url: URL,
  { workspace, by, role }: { readonly workspace: string; readonly by: string; readonly role: string },
): Mail {
  return {
    to,
    kind: 'invitation',
    subject: 'You are invited to a workspace of Catwalk',
    text: letter([
      `${oneLine(by)} invites you to work in “${oneLine(workspace)}” as ${role}, at ${url.origin}.`,
      `Join here. The link works once:\n\n${url.href}`,
      'If you do not know why you got this, do nothing.',
    ]),
  }
}

function letter(paragraphs: readonly string[]): string {
  return `${paragraphs.join('\n\n')}\n`
}

/** Names are other people's words: no line of theirs may look like one of ours, and no link in them. */
function oneLine(name: string): string {
  return name
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .replaceAll('://', ' ')
    .slice(0, 80)
}
