// Sound for what is urgent, once somebody asks for it: before, no browser would play any.
"use strict";
(() => {
  const button = document.querySelector("[data-sound]");
  if (!button || !("AudioContext" in window)) return;
  let audio = null;

  function play() {
    const tone = audio.createOscillator();
    const loudness = audio.createGain();
    tone.frequency.setValueAtTime(880, audio.currentTime);
    tone.frequency.setValueAtTime(660, audio.currentTime + 0.2);
    loudness.gain.value = 0.2;
    tone.connect(loudness).connect(audio.destination);
    tone.start();
    tone.stop(audio.currentTime + 0.4);
  }

  button.hidden = false;
  button.addEventListener("click", () => {
    const wanted = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(wanted));
    audio ??= new AudioContext();
    if (wanted) play();
  });

  new MutationObserver((changes) => {
    const isNews = ({ target, addedNodes }) =>
      [target, ...addedNodes].some((one) => one.dataset?.kind === "news" && one.textContent);
    if (button.getAttribute("aria-pressed") === "true" && changes.some(isNews)) play();
  }).observe(document.getElementById("alert"), { childList: true, subtree: true });
})();
