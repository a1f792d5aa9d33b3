// What the pages use of Leaflet, which is a script of its own and not a module.
declare const L: any;
