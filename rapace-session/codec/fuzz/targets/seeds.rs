//! Writes a seed for each type into the folder that the argument names.

use std::path::PathBuf;
use std::{env, fs};

use rapace_codec_fuzz::types::all;

fn main() -> std::io::Result<()> {
    let folder: PathBuf = env::args_os().nth(1).expect("a folder").into();
    fs::create_dir_all(&folder)?;
    for (which, of) in (0_u8..).zip(all()) {
        let name: String = of
            .name
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let mut seed = vec![which];
        seed.extend((of.seed)());
        fs::write(folder.join(name.to_lowercase()), seed)?;
    }
    Ok(())
}
