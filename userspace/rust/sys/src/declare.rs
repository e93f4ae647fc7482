// SPDX-License-Identifier: LGPL-2.1-or-later OR MIT
//! Macros that declare, and for the test also list what was declared.

/// Handles, which programs see only pointers to.
macro_rules! handles {
    ($(struct $name:ident;)*) => {$(
        #[doc = concat!("The C library's `struct ", stringify!($name), "`, behind a pointer.")]
        #[repr(C)]
        pub struct $name {
            opaque: [u8; 0],
            not_send: PhantomData<(*mut u8, PhantomPinned)>,
        }
    )*};
}

/// Constants, and `CONSTANTS` with their names and values.
macro_rules! constants {
    ($($name:ident = $value:expr;)*) => {
        $(
            #[doc = concat!("The C header's `", stringify!($name), "`.")]
            pub const $name: u32 = $value;
        )*

        #[cfg(test)]
        pub(crate) const CONSTANTS: &[(&str, u32)] = &[$((stringify!($name), $name)),*];
    };
}

/// Structures, and `structs()` with their layout.
macro_rules! structs {
    ($(struct $name:ident { $($field:ident: $type:ty,)* })*) => {
        $(
            #[doc = concat!("The C header's `struct ", stringify!($name), "`.")]
            #[repr(C)]
            #[derive(Clone, Copy, Debug)]
            pub struct $name {
                $(
                    #[doc = concat!("Its member `", stringify!($field), "`.")]
                    pub $field: $type,
                )*
            }

            impl Default for $name {
                /// As `FASTZERO_..._INIT`: all zeros, but for a size at the begin.
                fn default() -> Self {
                    // SAFETY: the members are integers and raw pointers, for which zeros
                    // are valid.
                    let mut zeros: Self = unsafe { std::mem::zeroed() };
                    structs!(@size zeros, $name, $($field)*);
                    zeros
                }
            }
        )*

        #[cfg(test)]
        pub(crate) fn structs() -> Vec<crate::abi::Struct> {
            vec![$({
                let zeros = $name::default();
                let at = |member: usize| member - &zeros as *const $name as usize;

                crate::abi::Struct {
                    name: stringify!($name),
                    size: std::mem::size_of::<$name>(),
                    align: std::mem::align_of::<$name>(),
                    fields: vec![$((
                        stringify!($field),
                        at(std::ptr::addr_of!(zeros.$field) as usize),
                        std::mem::size_of::<$type>(),
                    )),*],
                }
            }),*]
        }
    };
    (@size $zeros:ident, $name:ident, size $($field:ident)*) => {
        $zeros.size = std::mem::size_of::<$name>() as u32;
    };
    (@size $zeros:ident, $name:ident, $($field:ident)*) => {
        // It has no size; as there is nothing to set, it need not have been mutable.
        let _ = &mut $zeros;
    };
}

/// Functions, and `FUNCTIONS` with their types.
macro_rules! functions {
    ($(fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $ret:ty)?;)*) => {
        extern "C" {
            $(
                #[doc = concat!("The C library's `", stringify!($name), "()`.")]
                pub fn $name($($arg: $type),*) $(-> $ret)?;
            )*
        }

        #[cfg(test)]
        pub(crate) const FUNCTIONS: &[crate::abi::Function] = &[$((
            stringify!($name),
            &[$(stringify!($type)),*],
            concat!($(stringify!($ret))?),
        )),*];
    };
}
