// The sky on a plane, seen from inside: east is to the left. Angles in degrees; planes have a radius of one.

const RADIAN = Math.PI / 180;
const wrapped = (angle) => ((angle + 540) % 360 + 360) % 360 - 180;

// All of it: an ellipse of the width 2 and the height 1 (half-axes 1 and 0.5).
export function mollweide() {
  return {
    whole: true,
    forward(ra, dec, near = 0) {
      // Where the map ends, a cell stays on the side where its middle is.
      let longitude = wrapped(ra);
      if (longitude - near > 180) longitude -= 360;
      if (longitude - near < -180) longitude += 360;
      longitude = Math.max(-180, Math.min(180, longitude));
      const wanted = Math.PI * Math.sin(dec * RADIAN);
      let theta = dec * RADIAN;
      for (let i = 0; i < 60 && Math.abs(dec) < 90 - 1e-9; i++) {
        const step = (2 * theta + Math.sin(2 * theta) - wanted) / (2 + 2 * Math.cos(2 * theta));
        theta -= step;
        if (Math.abs(step) < 1e-8) break;
      }
      return [-longitude / 180 * Math.cos(theta), 0.5 * Math.sin(theta)];
    },
    inverse(x, y) {
      const sine = 2 * y;
      if (Math.abs(sine) > 1) return null;
      const theta = Math.asin(sine);
      const longitude = Math.cos(theta) < 1e-9 ? 0 : -180 * x / Math.cos(theta);
      if (Math.abs(longitude) > 180) return null;
      return [(longitude + 360) % 360, Math.asin(Math.max(-1, Math.min(1, (2 * theta + Math.sin(2 * theta)) / Math.PI))) / RADIAN];
    },
  };
}

// A field: distances from its middle are true (zenithal equidistant).
export function field(ra0, dec0, radius) {
  const sin0 = Math.sin(dec0 * RADIAN), cos0 = Math.cos(dec0 * RADIAN);
  return {
    whole: false,
    radius,
    forward(ra, dec) {
      const along = (ra - ra0) * RADIAN, sin = Math.sin(dec * RADIAN), cos = Math.cos(dec * RADIAN);
      const east = cos * Math.sin(along), north = cos0 * sin - sin0 * cos * Math.cos(along);
      const apart = Math.atan2(Math.hypot(east, north), sin0 * sin + cos0 * cos * Math.cos(along));
      const scale = Math.hypot(east, north) < 1e-15 ? 0 : apart / RADIAN / radius / Math.hypot(east, north);
      return [-east * scale, north * scale];
    },
    inverse(x, y) {
      const apart = Math.hypot(x, y) * radius * RADIAN;
      if (apart > Math.PI) return null;
      if (apart < 1e-15) return [ra0, dec0];
      const east = -x / Math.hypot(x, y), north = y / Math.hypot(x, y);
      const sin = Math.cos(apart) * sin0 + Math.sin(apart) * cos0 * north;
      const along = Math.atan2(Math.sin(apart) * east, Math.cos(apart) * cos0 - Math.sin(apart) * sin0 * north);
      return [(ra0 + along / RADIAN + 360) % 360, Math.asin(Math.max(-1, Math.min(1, sin))) / RADIAN];
    },
  };
}

// Middle and radius of the smallest field that, near enough, has all positions [[ra, dec], ...].
export function extent(positions) {
  const sum = [0, 0, 0];
  for (const place of positions) vector(place).forEach((part, i) => { sum[i] += part; });
  const length = Math.hypot(...sum);
  if (length < 1e-6 * positions.length) return { ra: 0, dec: 0, radius: 180 };
  const middle = sum.map((part) => part / length);
  let nearest = 1;
  for (const place of positions) nearest = Math.min(nearest, vector(place).reduce((dot, part, i) => dot + part * middle[i], 0));
  return { ra: (Math.atan2(middle[1], middle[0]) / RADIAN + 360) % 360, dec: Math.asin(middle[2]) / RADIAN,
    radius: Math.acos(Math.max(-1, Math.min(1, nearest))) / RADIAN };
}

function vector([ra, dec]) {
  return [Math.cos(dec * RADIAN) * Math.cos(ra * RADIAN), Math.cos(dec * RADIAN) * Math.sin(ra * RADIAN), Math.sin(dec * RADIAN)];
}

export function circle(ra, dec, radius, points = 120) {
  const around = field(ra, dec, radius);
  return Array.from({ length: points + 1 }, (_, i) => around.inverse(Math.sin(2 * Math.PI * i / points), Math.cos(2 * Math.PI * i / points)));
}
