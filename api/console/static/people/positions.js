// Asking the phone where it is: every way in which it may say no, in words.

/** @param {GeolocationPositionError | null} error */
export function positionProblem(error) {
  if (!navigator.geolocation) return "This phone or browser cannot tell where it is.";
  if (!isSecureContext) return "The browser tells where it is on secure pages (https) only.";
  if (error?.code === 1) return "You have not allowed this page to know where you are. Allow it in the browser's settings for this site.";
  if (error?.code === 3) return "Your position could not be found in time. Go outside or to a window and try again.";
  return "Your position cannot be found just now. Is location switched on?";
}

/** @returns {Promise<GeolocationPosition>} Rejects with an Error in words. */
export function whereAmI() {
  return new Promise((done, fail) => {
    if (!navigator.geolocation) return fail(new Error(positionProblem(null)));
    navigator.geolocation.getCurrentPosition(done, (error) => fail(new Error(positionProblem(error))), { enableHighAccuracy: true, timeout: 15_000, maximumAge: 10_000 });
  });
}
