// Why somebody is no longer signed in, in words for them.

const ON = "Sign in to go on where you were.";

/** @type {Record<string, string>} */
const WORDS = {
  signed_out: `You signed out in another tab or on another device. ${ON}`,
  token_reused: `You were signed out to be safe: a copy of your sign-in may have been used elsewhere. ${ON}`,
  password_changed: "The password of your account was changed. Sign in with the new one.",
  password_dropped: "Your password is no longer good. Set a new one with the link that was sent to you by e-mail.",
  phone_changed: "The phone number of your account was changed. Sign in with the new one.",
  changed_by_staff: `Your account was changed by staff. ${ON}`,
  reset_by_staff: "Your sign-in was reset by staff. Set a new password with the link that was sent to you by e-mail.",
  access_changed: `What you may do was changed. ${ON}`,
  removed: "You no longer belong to the team. Ask whoever manages it if that is a mistake.",
  suspended: "Your access is suspended. Ask whoever manages your team if that is a mistake.",
  not_verified: "Your papers were not verified, so you cannot work for now. Ask the office what is missing.",
  blocked: "Your account is blocked. Ask the office if that is a mistake.",
  erased: "Your account was erased.",
  ended_by_operator: `Your sign-in was ended by whoever runs this service. ${ON}`,
  expired: `You signed in too long ago. ${ON}`,
};

const OTHERWISE = `You were signed out. ${ON}`;

/** Of a code of the server, or what it said. @param {string} ending */
export const endingWords = (ending) => WORDS[ending] ?? (ending.includes(" ") ? `You were signed out. ${ending}` : OTHERWISE);
